import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '@millrace/core';
import { ManualClock, seededRandom } from '@millrace/core/testing';
import { Faults } from '../../src/faults/faults';
import type { Fault, FaultRule } from '../../src/faults/fault-rule';
import type { Call } from '../../src/service/service';

const clock = new ManualClock();
const newFaults = (seed = 1): Faults => new Faults({ clock, random: seededRandom(seed) });

const staleBy = (lagMs: number): Extract<Fault, { kind: 'stale-read' }> => ({ kind: 'stale-read', lagMs });

function call(changes: Partial<Call> = {}): Call {
  return {
    service: 'kinesis',
    operation: 'GetRecords',
    resource: 'flights',
    shardId: 'shardId-000000000000',
    accessKeyId: 'worker-1',
    ...changes,
  };
}

describe('the faults in force', () => {
  it('are none at first, and then nothing is planned', () => {
    const faults = newFaults();
    expect(faults.areNone).toBe(true);
    expect(faults.planFor(call())).toBeUndefined();
  });

  it.each<[string, Partial<FaultRule>, Partial<Call>]>([
    ['service', { service: 'kinesis' }, { service: 'dynamodb' }],
    ['operation', { operations: ['GetRecords'] }, { operation: 'PutRecord' }],
    ['stream or table', { resource: 'flights' }, { resource: 'trains' }],
    ['shard', { shardId: 'shardId-000000000000' }, { shardId: 'shardId-000000000001' }],
    ['client', { accessKeyId: 'worker-1' }, { accessKeyId: 'worker-2' }],
    ['what the call does not say', { operations: ['GetRecords'] }, { operation: undefined }],
  ])('meet only the calls in their scope: %s', (_, scope, other) => {
    const faults = newFaults();
    const fault = faults.add({ kind: 'lost-reply', ...scope } as FaultRule);
    expect(faults.planFor(call())?.reply).toBe('lost');
    expect(faults.planFor(call(other))).toBeUndefined();
    expect(fault.hits).toBe(1);
  });

  it.each(['expired-iterator', 'empty-page'] as const)('%s concerns GetRecords alone', (kind) => {
    const faults = newFaults();
    faults.add({ kind });
    expect(faults.planFor(call())).toBeDefined();
    expect(faults.planFor(call({ operation: 'PutRecord' }))).toBeUndefined();
    expect(faults.planFor(call({ service: 'dynamodb' }))).toBeUndefined();
  });

  it('stale reads concern reads of DynamoDB alone, and the longest lag counts', () => {
    const faults = newFaults();
    faults.add({ kind: 'stale-read', lagMs: 100 });
    faults.add({ kind: 'stale-read', lagMs: 300 });
    expect(faults.planFor(call({ service: 'dynamodb', operation: 'Scan' }))?.answer).toEqual({ readLagMs: 300 });
    expect(faults.planFor(call({ service: 'dynamodb', operation: 'PutItem' }))).toBeUndefined();
    expect(faults.planFor(call())).toBeUndefined();
  });

  it('say how far back reads may look, by the rules that have not ended', async () => {
    const faults = newFaults();
    expect(faults.greatestReadLagMs).toBe(0);
    faults.add({ kind: 'slow-reply', delayMs: 5_000 });
    const longest = faults.add(staleBy(300));
    faults.add({ ...staleBy(200), forMs: 1_000 });
    faults.add({ ...staleBy(100), times: 1 });
    expect(faults.greatestReadLagMs).toBe(300);
    faults.remove(longest);
    expect(faults.greatestReadLagMs).toBe(200);
    await clock.advance(1_000);
    expect(faults.greatestReadLagMs).toBe(100);
    faults.planFor(call({ service: 'dynamodb', operation: 'GetItem' }));
    expect(faults.greatestReadLagMs).toBe(0);
  });

  it('end after their number of times', () => {
    const faults = newFaults();
    const fault = faults.add({ kind: 'lost-request', times: 2 });
    const hits = [1, 2, 3].map(() => faults.planFor(call()) !== undefined);
    expect(hits).toEqual([true, true, false]);
    expect(fault.hits).toBe(2);
    expect(faults.list()).toEqual([]);
    expect(faults.areNone).toBe(true);
  });

  it('end after their time by the clock', async () => {
    const faults = newFaults();
    faults.add({ kind: 'lost-request', forMs: 1_000 });
    await clock.advance(999);
    expect(faults.planFor(call())).toBeDefined();
    await clock.advance(1);
    expect(faults.planFor(call())).toBeUndefined();
  });

  it('end when they are removed, by what add returned or by its id', () => {
    const faults = newFaults();
    const first = faults.add({ kind: 'lost-request' });
    const second = faults.add({ kind: 'lost-reply' });
    expect(faults.remove(first)).toBe(true);
    expect(faults.remove(first)).toBe(false);
    expect(faults.list()).toEqual([second]);
    expect(faults.remove(second.id)).toBe(true);
    faults.add({ kind: 'lost-reply' });
    faults.clear();
    expect(faults.areNone).toBe(true);
  });

  it('draw from the seed: the same one gives the same faults, and about as many as asked for', () => {
    const drawn = (seed: number): readonly boolean[] => {
      const faults = newFaults(seed);
      faults.add({ kind: 'lost-request', probability: 0.3 });
      return Array.from({ length: 1_000 }, () => faults.planFor(call()) !== undefined);
    };
    expect(drawn(7)).toEqual(drawn(7));
    expect(drawn(7)).not.toEqual(drawn(8));
    const met = drawn(7).filter(Boolean).length;
    expect(met).toBeGreaterThan(250);
    expect(met).toBeLessThan(350);
  });

  it('add up: delays are summed, ranges are drawn from, the first refusal counts', () => {
    const faults = newFaults();
    faults.add({ kind: 'slow-request', delayMs: 100 });
    faults.add({ kind: 'slow-request', delayMs: { min: 10, max: 20 } });
    faults.add({ kind: 'slow-reply', delayMs: 5 });
    faults.add({ kind: 'throttle' });
    faults.add({ kind: 'server-error', statusCode: 503 });
    const plan = faults.planFor(call());
    expect(plan?.requestDelayMs).toBeGreaterThanOrEqual(110);
    expect(plan?.requestDelayMs).toBeLessThanOrEqual(120);
    expect(plan).toMatchObject({ replyDelayMs: 5, refusal: { errorName: 'ProvisionedThroughputExceededException' } });
  });

  it.each<[Partial<Call>, string]>([
    [{ operation: 'GetRecords' }, 'ProvisionedThroughputExceededException'],
    [{ operation: 'ListShards' }, 'LimitExceededException'],
    [{ service: 'dynamodb', operation: 'UpdateItem' }, 'ProvisionedThroughputExceededException'],
    [{ service: 'dynamodb', operation: 'BatchGetItem' }, 'ProvisionedThroughputExceededException'],
    [{ service: 'dynamodb', operation: 'CreateTable' }, 'ThrottlingException'],
    [{ service: 'dynamodb', operation: 'DescribeTable' }, 'ThrottlingException'],
    [{ service: 'dynamodb', operation: 'ListTagsOfResource' }, 'ThrottlingException'],
  ])('throttle %j by the name that the service has for it', (changes, errorName) => {
    const faults = newFaults();
    faults.add({ kind: 'throttle' });
    expect(faults.planFor(call(changes))?.refusal).toMatchObject({ errorName, statusCode: 400 });
  });

  it('throttle by another name if asked to', () => {
    const faults = newFaults();
    faults.add({ kind: 'throttle', errorName: 'RequestLimitExceeded' });
    expect(faults.planFor(call())?.refusal?.errorName).toBe('RequestLimitExceeded');
  });

  it.each<[string, object | null]>([
    ['kind must be one of', {}],
    ['kind must be one of', { kind: 'gremlin' }],
    ['a fault must be an object', null],
    ['delayMs is not a member of a lost-reply fault', { kind: 'lost-reply', delayMs: 3 }],
    ['a slow-reply fault needs delayMs', { kind: 'slow-reply' }],
    ['a stale-read fault needs lagMs', { kind: 'stale-read' }],
    ['delayMs must be a finite number', { kind: 'slow-reply', delayMs: { min: 2, max: 1 } }],
    ['probability must be a number from 0 to 1', { kind: 'throttle', probability: 30 }],
    ['operations must be a list of names', { kind: 'throttle', operations: 'GetRecords' }],
    ['service must be', { kind: 'throttle', service: 's3' }],
    ['times must be a whole number', { kind: 'throttle', times: 0 }],
    ['statusCode must be 500 or 503', { kind: 'server-error', statusCode: 418 }],
    ['propability is not a member', { kind: 'throttle', propability: 0.5 }],
    ['constructor is not a member of a throttle fault', { kind: 'throttle', constructor: 1 }],
    ['__proto__ is not a member of a throttle fault', JSON.parse('{"kind":"throttle","__proto__":{}}') as object],
    ['times is not a member of a partition fault', { kind: 'partition', times: 1 }],
    ['probability is not a member of a partition fault', { kind: 'partition', probability: 0.5 }],
    ['lagMs must be a number of milliseconds from 0 to 3600000, an hour, not Infinity', staleBy(Infinity)],
    ['lagMs must be', staleBy(3_600_001)],
  ])('are refused with what is wrong: %s', (message, rule) => {
    const faults = newFaults();
    const add = (): unknown => faults.add(rule as FaultRule);
    expect(add).toThrow(ConfigError);
    expect(add).toThrow(message);
    expect(faults.areNone).toBe(true);
  });
});
