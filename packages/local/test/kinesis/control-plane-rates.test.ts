import { describe, expect, it } from '@jest/globals';
import type { OperationName } from '../../src/kinesis/operation-types';
import { Fixture, noControlPlaneRates, refusal, shardId, stream, streamArn, transitionMs } from './engine-fixture';

/** Calls that succeed as often as they are made, apart from the rate. */
const reads: readonly (readonly [OperationName, number, object])[] = [
  ['DescribeLimits', 1, {}],
  ['DescribeStream', 10, stream],
  ['DescribeStreamSummary', 20, stream],
  ['ListStreams', 5, {}],
  ['AddTagsToStream', 5, { ...stream, Tags: { a: 'b' } }],
  ['RemoveTagsFromStream', 5, { ...stream, TagKeys: ['a'] }],
  ['ListTagsForStream', 5, stream],
  ['TagResource', 5, { ResourceARN: streamArn, Tags: { a: 'b' } }],
  ['UntagResource', 5, { ResourceARN: streamArn, TagKeys: ['a'] }],
  ['ListTagsForResource', 5, { ResourceARN: streamArn }],
];

describe('the rates of the control plane', () => {
  it.each(reads)('let %s pass %d times in a second', async (name, rate, input) => {
    const fixture = new Fixture();
    const call = (): unknown => fixture.engine.dispatch(name, input);
    for (let calls = 0; calls < rate; calls++) expect(refusal(call)).toBeUndefined();
    expect(refusal(call)).toBe('LimitExceededException');
    expect(call).toThrow(`Rate exceeded for account 000000000000: ${rate} ${name} calls per second.`);
    await fixture.clock.advance(1000 / rate);
    expect(refusal(call)).toBeUndefined();
    expect(refusal(call)).toBe('LimitExceededException');
  });

  it('count over all streams of the account', () => {
    const { engine } = new Fixture();
    engine.addStream('other', 1);
    for (let call = 0; call < 10; call++)
      engine.handle('DescribeStream', { StreamName: call % 2 ? 'other' : 'flights' });
    expect(refusal(() => engine.handle('DescribeStream', { StreamName: 'other' }))).toBe('LimitExceededException');
  });

  it('do not count calls that are refused for another reason', () => {
    const { engine } = new Fixture();
    for (let call = 0; call < 100; call++) {
      expect(refusal(() => engine.handle('DescribeStream', { StreamName: 'none' }))).toBe('ResourceNotFoundException');
    }
    expect(refusal(() => engine.handle('DescribeStream', stream))).toBeUndefined();
  });

  it.each([
    ['SplitShard', 5],
    ['MergeShards', 5],
    ['UpdateShardCount', 10],
  ] as const)('hold for %s', (name, rate) => {
    const { engine } = new Fixture({ limits: { createStreamCallsPerSecond: Infinity } });
    for (let index = 0; index <= rate; index++) engine.addStream(`s-${index}`, 2);
    const call = (index: number): unknown =>
      engine.dispatch(name, {
        StreamName: `s-${index}`,
        ShardToSplit: shardId(0),
        NewStartingHashKey: '1000',
        ShardToMerge: shardId(0),
        AdjacentShardToMerge: shardId(1),
        TargetShardCount: 4,
        ScalingType: 'UNIFORM_SCALING',
      });
    for (let index = 0; index < rate; index++) call(index);
    expect(() => call(rate)).toThrow(`${rate} ${name} calls per second`);
  });

  it('hold for CreateStream and DeleteStream', async () => {
    const fixture = new Fixture({ limits: { streamsBeingCreated: Infinity } });
    const create = (index: number) => (): unknown =>
      fixture.engine.handle('CreateStream', { StreamName: `s-${index}`, ShardCount: 1 });
    for (let index = 0; index < 5; index++) create(index)();
    expect(create(5)).toThrow('5 CreateStream calls per second');
    await fixture.clock.advance(200);
    expect(refusal(create(5))).toBeUndefined();
    await fixture.clock.advance(transitionMs);
    const remove = (index: number) => (): unknown =>
      fixture.engine.handle('DeleteStream', { StreamName: `s-${index}` });
    for (let index = 0; index < 5; index++) remove(index)();
    expect(remove(5)).toThrow('5 DeleteStream calls per second');
  });

  it('hold per stream for changes of the retention period', async () => {
    const fixture = new Fixture({ streamTransitionMs: 0 });
    fixture.engine.addStream('other', 1);
    const change =
      (StreamName: string, hours: number, direction = 'Increase') =>
      (): unknown =>
        fixture.engine.dispatch(`${direction}StreamRetentionPeriod`, { StreamName, RetentionPeriodHours: hours });
    for (let hours = 30; hours < 35; hours++) change('flights', hours)();
    expect(refusal(change('flights', 35))).toBe('LimitExceededException');
    expect(refusal(change('other', 35))).toBeUndefined();
    expect(refusal(change('flights', 24, 'Decrease'))).toBeUndefined();
    for (let hours = 34; hours > 30; hours--) change('other', hours, 'Decrease')();
    expect(refusal(change('other', 30, 'Decrease'))).toBeUndefined();
    expect(refusal(change('other', 29, 'Decrease'))).toBe('LimitExceededException');
    await fixture.clock.advance(200);
    expect(refusal(change('flights', 35))).toBeUndefined();
  });

  it('do not hold for streams that are added from within the process', () => {
    const { engine } = new Fixture();
    for (let index = 0; index < 20; index++) engine.handle('DescribeStreamSummary', stream);
    for (let index = 0; index < 50; index++) engine.addStream(`s-${index}`, 1);
    for (let index = 0; index < 5; index++) {
      engine.handle('CreateStream', { StreamName: `creating-${index}`, ShardCount: 1 });
    }
    expect(refusal(() => engine.addStream('one-more', 1))).toBeUndefined();
    expect(engine.inspect('one-more')).toHaveLength(1);
    expect(refusal(() => engine.addStream('one-more', 1))).toBe('ResourceInUseException');
    expect(refusal(() => engine.addStream('none', 0))).toBe('ValidationException');
  });

  it('leave five streams in CREATING as a limit of its own', () => {
    const { engine } = new Fixture({ limits: noControlPlaneRates });
    const create = (name: string) => (): unknown => engine.handle('CreateStream', { StreamName: name, ShardCount: 1 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) create(name)();
    expect(create('f')).toThrow('No more than 5 streams can be in the state CREATING');
  });
});
