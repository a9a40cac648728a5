import { describe, expect, it } from '@jest/globals';
import {
  Fixture,
  middleHashKey,
  noControlPlaneRates,
  refusal,
  shardId,
  stream,
  streamArn,
  transitionMs,
} from './engine-fixture';

const dayMs = 86_400_000;
const onDemand = { StreamModeDetails: { StreamMode: 'ON_DEMAND' } } as const;
const provisioned = { StreamModeDetails: { StreamMode: 'PROVISIONED' } } as const;

function switchTo(fixture: Fixture, mode: typeof onDemand | typeof provisioned): unknown {
  return fixture.engine.handle('UpdateStreamMode', { StreamARN: streamArn, ...mode });
}

async function made(input: object, limits = {}): Promise<Fixture> {
  const fixture = new Fixture({ limits });
  fixture.engine.dispatch('CreateStream', { StreamName: 'made', ...input });
  await fixture.clock.advance(transitionMs);
  return fixture;
}

describe('an ON_DEMAND stream', () => {
  it('opens four shards, and is shown as what it is', async () => {
    const { engine } = await made(onDemand);
    const summary = engine.handle('DescribeStreamSummary', { StreamName: 'made' }).StreamDescriptionSummary;
    expect(summary).toMatchObject({ ...onDemand, OpenShardCount: 4 });
    expect(engine.handle('DescribeStream', { StreamName: 'made' }).StreamDescription).toMatchObject(onDemand);
    expect(engine.handle('ListStreams', {}).StreamSummaries).toMatchObject([provisioned, onDemand]);
  });

  it('takes no shard count, and a PROVISIONED one needs it', async () => {
    await expect(made({ ...onDemand, ShardCount: 2 })).rejects.toMatchObject({
      name: 'ValidationException',
      message: 'ShardCount is not expected when StreamMode=ON_DEMAND',
    });
    await expect(made(provisioned)).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(made({ StreamModeDetails: {} })).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(made({ StreamModeDetails: { StreamMode: 'OTHER' } })).rejects.toMatchObject({
      name: 'ValidationException',
    });
    await made({ ...provisioned, ShardCount: 1 });
  });

  it('is not split, merged or scaled by its users', async () => {
    const { engine } = await made(onDemand);
    const made_ = { StreamName: 'made' };
    const calls: readonly (() => unknown)[] = [
      () => engine.handle('SplitShard', { ...made_, ShardToSplit: shardId(0), NewStartingHashKey: '1000' }),
      () => engine.handle('MergeShards', { ...made_, ShardToMerge: shardId(0), AdjacentShardToMerge: shardId(1) }),
      () => engine.handle('UpdateShardCount', { ...made_, TargetShardCount: 8, ScalingType: 'UNIFORM_SCALING' }),
    ];
    for (const call of calls) expect(refusal(call)).toBe('ValidationException');
    expect(engine.inspect('made')).toHaveLength(4);
  });

  it('counts towards its own quota, not towards that of shards', async () => {
    const fixture = await made(onDemand, { shardQuota: 1, onDemandStreamQuota: 1 });
    const create = (input: object) => (): unknown =>
      fixture.engine.dispatch('CreateStream', { StreamName: 'other', ...input });
    expect(refusal(create(onDemand))).toBe('LimitExceededException');
    expect(refusal(create({ ShardCount: 1 }))).toBe('LimitExceededException');
    expect(refusal(() => switchTo(fixture, onDemand))).toBe('LimitExceededException');
    expect(fixture.engine.handle('DescribeLimits', {})).toEqual({
      ShardLimit: 1,
      OpenShardCount: 1,
      OnDemandStreamCount: 1,
      OnDemandStreamCountLimit: 1,
    });
  });
});

describe('UpdateStreamMode', () => {
  it('switches, through UPDATING, and keeps the shards', async () => {
    const fixture = new Fixture({ shardCount: 3 });
    switchTo(fixture, onDemand);
    expect(fixture.summary()).toMatchObject({ StreamStatus: 'UPDATING', ...provisioned });
    expect(refusal(() => switchTo(fixture, onDemand))).toBe('ResourceInUseException');
    await fixture.clock.advance(transitionMs);
    expect(fixture.summary()).toMatchObject({ StreamStatus: 'ACTIVE', ...onDemand, OpenShardCount: 3 });
    switchTo(fixture, provisioned);
    await fixture.clock.advance(transitionMs);
    expect(fixture.summary()).toMatchObject({ ...provisioned, OpenShardCount: 3 });
    await fixture.split(shardId(0), '1000');
    expect(fixture.summary().OpenShardCount).toBe(4);
  });

  it('does so twice in any 24 hours', async () => {
    const fixture = new Fixture({ limits: noControlPlaneRates });
    for (const mode of [onDemand, provisioned]) {
      switchTo(fixture, mode);
      await fixture.clock.advance(3_600_000);
    }
    expect(() => switchTo(fixture, onDemand)).toThrow('more than 2 times in a rolling 24-hour period');
    expect(refusal(() => switchTo(fixture, onDemand))).toBe('LimitExceededException');
    await fixture.clock.advance(dayMs - 2 * 3_600_000 - 1);
    expect(refusal(() => switchTo(fixture, onDemand))).toBe('LimitExceededException');
    await fixture.clock.advance(1);
    expect(refusal(() => switchTo(fixture, onDemand))).toBeUndefined();
  });

  it('takes an ARN, and a mode that is another', () => {
    const { engine } = new Fixture();
    const call = (input: object) => (): unknown => engine.dispatch('UpdateStreamMode', input);
    expect(refusal(call({ ...stream, ...onDemand }))).toBe('ValidationException');
    expect(refusal(call({ StreamARN: `${streamArn}s`, ...onDemand }))).toBe('ResourceNotFoundException');
    expect(refusal(call({ StreamARN: streamArn }))).toBe('ValidationException');
    expect(refusal(call({ StreamARN: streamArn, ...provisioned }))).toBe('InvalidArgumentException');
  });

  it('takes from the quotas of where it goes at once, and gives back to those of where it was when it is there', async () => {
    const fixture = await made(onDemand, { shardQuota: 5, onDemandStreamQuota: 2, ...noControlPlaneRates });
    const create = (input: object) => (): unknown =>
      fixture.engine.dispatch('CreateStream', { StreamName: 'other', ...input });
    fixture.engine.handle('UpdateStreamMode', { StreamARN: streamArn.replace('flights', 'made'), ...provisioned });
    expect(refusal(create({ ShardCount: 1 }))).toBe('LimitExceededException');
    switchTo(fixture, onDemand);
    expect(refusal(create(onDemand))).toBe('LimitExceededException');
    await fixture.clock.advance(transitionMs);
    expect(refusal(create({ ShardCount: 2 }))).toBe('LimitExceededException');
    expect(refusal(create(onDemand))).toBeUndefined();
  });

  it('needs room in the quota of shards to go back', async () => {
    const fixture = await made(onDemand, { shardQuota: 4 });
    const back = (): unknown =>
      fixture.engine.handle('UpdateStreamMode', { StreamARN: streamArn.replace('flights', 'made'), ...provisioned });
    expect(refusal(back)).toBe('LimitExceededException');
    fixture.engine.handle('DeleteStream', stream);
    await fixture.clock.advance(transitionMs);
    expect(refusal(back)).toBeUndefined();
  });
});

describe('DescribeLimits', () => {
  it('counts open shards of all streams, also of those in CREATING', async () => {
    const fixture = new Fixture({ shardCount: 2, limits: noControlPlaneRates });
    await fixture.split(shardId(0), (BigInt(middleHashKey) / 2n).toString());
    fixture.engine.handle('CreateStream', { StreamName: 'other', ShardCount: 5 });
    expect(fixture.engine.handle('DescribeLimits', {})).toEqual({
      ShardLimit: 20_000,
      OpenShardCount: 8,
      OnDemandStreamCount: 0,
      OnDemandStreamCountLimit: 50,
    });
  });

  it('says a number also where there is no limit', () => {
    const { engine } = new Fixture({ limits: { shardQuota: Infinity, onDemandStreamQuota: Infinity } });
    expect(engine.handle('DescribeLimits', {})).toMatchObject({
      ShardLimit: 2_147_483_647,
      OnDemandStreamCountLimit: 2_147_483_647,
    });
  });
});
