import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '@millrace/core';
import { KinesisEngine } from '../../src/kinesis/engine';
import { defaultKinesisLimits, resolveKinesisLimits } from '../../src/kinesis/limits';
import { base64, Fixture, noControlPlaneRates, refusal, shardId, stream, transitionMs } from './engine-fixture';

const mebibyte = 1024 * 1024;

function records(count: number, bytes: number): { readonly Data: string; readonly PartitionKey: string }[] {
  const data = base64('x'.repeat(bytes - 1));
  return Array.from({ length: count }, () => ({ Data: data, PartitionKey: 'k' }));
}

describe('limits', () => {
  it('refuse the sixth GetRecords call of a second, and it costs nothing', async () => {
    const fixture = new Fixture();
    const iterator = fixture.iterator({ ShardIteratorType: 'LATEST' });
    for (let call = 0; call < 5; call++) fixture.page(iterator);
    for (let call = 0; call < 20; call++) {
      expect(refusal(() => fixture.page(iterator))).toBe('ProvisionedThroughputExceededException');
    }
    await fixture.clock.advance(199);
    expect(refusal(() => fixture.page(iterator))).toBe('ProvisionedThroughputExceededException');
    await fixture.clock.advance(1);
    expect(refusal(() => fixture.page(iterator))).toBeUndefined();
    expect(refusal(() => fixture.page(iterator))).toBe('ProvisionedThroughputExceededException');
  });

  it('say which shard and which limit', () => {
    const fixture = new Fixture({ limits: { getRecordsCallsPerSecond: 1 } });
    const iterator = fixture.iterator({ ShardIteratorType: 'LATEST' });
    fixture.page(iterator);
    expect(() => fixture.page(iterator)).toThrow(
      'Rate exceeded for shard shardId-000000000000 in stream flights under account 000000000000. ' +
        'Limit: 1 GetRecords calls per second and shard.',
    );
  });

  it('are counted per shard', () => {
    const fixture = new Fixture({ shardCount: 2 });
    const [first, second] = [0, 1].map((index) =>
      fixture.iterator({ ShardId: shardId(index), ShardIteratorType: 'LATEST' }),
    );
    for (let call = 0; call < 5; call++) fixture.page(first);
    expect(refusal(() => fixture.page(first))).toBe('ProvisionedThroughputExceededException');
    expect(refusal(() => fixture.page(second))).toBeUndefined();
  });

  it('refuse reads for five seconds after a page of 10 MB', async () => {
    const fixture = new Fixture({ limits: { writeBytesPerSecond: Infinity } });
    for (let part = 0; part < 2; part++) {
      fixture.engine.handle('PutRecords', { ...stream, Records: records(10, mebibyte) });
    }
    const { Records, NextShardIterator } = fixture.page(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }));
    expect(Records).toHaveLength(10);
    await fixture.clock.advance(4999);
    expect(refusal(() => fixture.page(NextShardIterator))).toBe('ProvisionedThroughputExceededException');
    await fixture.clock.advance(1);
    expect(fixture.page(NextShardIterator).Records).toHaveLength(10);
  });

  it('refuse reads until 2 MB per second are kept', async () => {
    const fixture = new Fixture({ limits: { writeBytesPerSecond: Infinity } });
    fixture.engine.handle('PutRecords', { ...stream, Records: records(10, mebibyte) });
    const first = fixture.page(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }), 2);
    const second = fixture.page(first.NextShardIterator, 2);
    await fixture.clock.advance(999);
    expect(refusal(() => fixture.page(second.NextShardIterator))).toBe('ProvisionedThroughputExceededException');
    await fixture.clock.advance(1);
    expect(refusal(() => fixture.page(second.NextShardIterator))).toBeUndefined();
  });

  it('refuse the sixth GetShardIterator call of a second', async () => {
    const fixture = new Fixture();
    for (let call = 0; call < 5; call++) fixture.iterator({ ShardIteratorType: 'LATEST' });
    expect(refusal(() => fixture.iterator({ ShardIteratorType: 'LATEST' }))).toBe(
      'ProvisionedThroughputExceededException',
    );
    await fixture.clock.advance(200);
    expect(refusal(() => fixture.iterator({ ShardIteratorType: 'LATEST' }))).toBeUndefined();
  });

  it('refuse part of a PutRecords call above 1000 records per second', async () => {
    const fixture = new Fixture();
    fixture.engine.handle('PutRecords', { ...stream, Records: records(500, 10) });
    fixture.engine.handle('PutRecords', { ...stream, Records: records(400, 10) });
    const output = fixture.engine.handle('PutRecords', { ...stream, Records: records(150, 10) });
    expect(output.FailedRecordCount).toBe(50);
    expect(output.Records).toHaveLength(150);
    expect(output.Records[100]).toEqual({
      ErrorCode: 'ProvisionedThroughputExceededException',
      ErrorMessage: expect.stringContaining('Limit: 1000 records written per second and shard') as unknown,
    });
    expect(fixture.engine.inspect('flights')[0]?.recordCount).toBe(1000);
    await fixture.clock.advance(50);
    expect(fixture.engine.handle('PutRecords', { ...stream, Records: records(50, 10) }).FailedRecordCount).toBe(0);
  });

  it('refuse part of a PutRecords call above 1 MB per second, and a PutRecord as a whole', async () => {
    const fixture = new Fixture();
    const output = fixture.engine.handle('PutRecords', { ...stream, Records: records(5, mebibyte / 4) });
    expect(output.FailedRecordCount).toBe(1);
    expect(refusal(() => fixture.put('x'))).toBe('ProvisionedThroughputExceededException');
    await fixture.clock.advance(1000);
    expect(refusal(() => fixture.put('x'))).toBeUndefined();
  });

  it('refuse a call that is too large as a whole', () => {
    const fixture = new Fixture();
    const put = (count: number, bytes: number) => (): unknown =>
      fixture.engine.handle('PutRecords', { ...stream, Records: records(count, bytes) });
    expect(refusal(put(501, 2))).toBe('ValidationException');
    expect(refusal(put(11, mebibyte))).toBe('InvalidArgumentException');
    expect(refusal(put(1, mebibyte + 2))).toBe('ValidationException');
    expect(refusal(put(1, mebibyte + 1))).toBe('InvalidArgumentException');
    expect(refusal(put(0, 2))).toBe('ValidationException');
    expect(fixture.engine.inspect('flights')[0]?.recordCount).toBe(0);
    expect(refusal(put(1, mebibyte))).toBeUndefined();
  });

  it('refuse the call of ListShards that exceeds the rate', () => {
    const fixture = new Fixture({ limits: { listShardsCallsPerSecond: 2 } });
    fixture.list();
    fixture.list();
    expect(refusal(() => fixture.list())).toBe('LimitExceededException');
  });

  it('refuse more open shards than the quota', () => {
    const fixture = new Fixture({ limits: { shardQuota: 3 } });
    const create = (ShardCount: number) => (): unknown =>
      fixture.engine.handle('CreateStream', { StreamName: 'more', ShardCount });
    expect(refusal(create(3))).toBe('LimitExceededException');
    expect(refusal(create(2))).toBeUndefined();
  });

  it('count the shards that changes under way will open', async () => {
    const changing = (shardQuota: number, change: (fixture: Fixture) => unknown): Fixture => {
      const fixture = new Fixture({ shardCount: 2, limits: { shardQuota, ...noControlPlaneRates } });
      fixture.engine.addStream('other', 1);
      change(fixture);
      return fixture;
    };
    const split = (StreamName: string, { engine }: Fixture): unknown =>
      engine.handle('SplitShard', { StreamName, ShardToSplit: shardId(0), NewStartingHashKey: '1000' });
    const scale = ({ engine }: Fixture): unknown =>
      engine.handle('UpdateShardCount', { ...stream, TargetShardCount: 3, ScalingType: 'UNIFORM_SCALING' });
    const merge = ({ engine }: Fixture): unknown =>
      engine.handle('MergeShards', { ...stream, ShardToMerge: shardId(0), AdjacentShardToMerge: shardId(1) });

    const splitting = changing(4, (fixture) => split('flights', fixture));
    expect(() => split('other', splitting)).toThrow(
      'Current shard count for the account: 4. Limit: 4. ' +
        'Number of additional shards that would have resulted from this request: 1.',
    );
    expect(splitting.engine.handle('DescribeLimits', {}).OpenShardCount).toBe(3);
    await splitting.clock.advance(transitionMs);
    expect(splitting.engine.handle('DescribeLimits', {}).OpenShardCount).toBe(4);
    expect(refusal(() => split('other', splitting))).toBe('LimitExceededException');
    const roomy = changing(5, (fixture) => split('flights', fixture));
    expect(refusal(() => split('other', roomy))).toBeUndefined();

    // Two splits, and then a merge: for moments there are two more.
    const scaling = changing(5, scale);
    expect(refusal(() => split('other', scaling))).toBe('LimitExceededException');
    await scaling.clock.advance(transitionMs);
    expect(refusal(() => split('other', scaling))).toBeUndefined();

    expect(refusal(() => split('other', changing(4, merge)))).toBeUndefined();
  });

  it('can be switched off one by one', () => {
    const fixture = new Fixture({ limits: { getRecordsCallsPerSecond: Infinity } });
    const iterator = fixture.iterator({ ShardIteratorType: 'LATEST' });
    for (let call = 0; call < 1000; call++) fixture.page(iterator);
  });

  it('are rejected by the engine when they make no sense, all at once', () => {
    const limits = { getRecordsCallsPerSecond: 0, writeBytesPerSecond: Number.NaN, unheardOf: 1 };
    expect(resolveKinesisLimits(limits).problems).toEqual([
      'limits.getRecordsCallsPerSecond must be a number greater than 0, or Infinity',
      'limits.writeBytesPerSecond must be a number greater than 0, or Infinity',
      'limits.unheardOf is not a known limit',
    ]);
    expect(() => new KinesisEngine({ limits, accountId: '1', region: '', streamTransitionMs: -1 })).toThrow(
      ConfigError,
    );
    expect(resolveKinesisLimits().limits).toEqual(defaultKinesisLimits);
  });
});
