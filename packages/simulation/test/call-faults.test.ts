import { describe, expect, it } from '@jest/globals';
import { CallFaults } from '../src/call-faults';
import { Chance } from '../src/chance';
import { Machine } from '../src/machine';
import type { ServiceCall } from '../src/service-call';
import { VirtualTime } from '../src/virtual-time';

const machine = new Machine({
  ...{ name: 'w1', time: new VirtualTime(), originMs: 0, skewMs: 0, driftRate: 0, clockRate: 1 },
  onDown: () => undefined,
});

function write(leaseKey: string, UpdateExpression = 'ADD leaseCounter :one'): ServiceCall {
  return {
    service: 'dynamodb',
    operation: 'UpdateItem',
    input: { Key: { leaseKey: { S: leaseKey } }, UpdateExpression },
  };
}

const release = 'REMOVE leaseOwner ADD leaseCounter :one';
const scan: ServiceCall = { service: 'dynamodb', operation: 'Scan', input: {} };

describe('faults of calls', () => {
  it('come again and again while a window is open', () => {
    const faults = new CallFaults(new Chance(1), 100_000);
    faults.open({ kind: 'lost-reply', untilMs: 1_000, probability: 1 });
    const kinds = [0, 1, 999, 1_001].map((nowMs) => faults.fateOf(write('shard-1'), machine, nowMs).kind);
    expect(kinds).toEqual(['lost-reply', 'lost-reply', 'lost-reply', undefined]);
  });

  it('come apart for one row where no lease may be lost', () => {
    const faults = new CallFaults(new Chance(1), 100_000, 500);
    faults.open({ kind: 'lost-reply', untilMs: 2_000, probability: 1 });
    const kindAt = (nowMs: number, leaseKey: string): string | undefined =>
      faults.fateOf(write(leaseKey), machine, nowMs).kind;
    expect([kindAt(0, 'shard-1'), kindAt(1, 'shard-2')]).toEqual(['lost-reply', 'lost-reply']);
    expect([kindAt(2, 'shard-1'), kindAt(499, 'shard-1'), kindAt(500, 'shard-1')]).toEqual([
      ...[undefined, undefined, 'lost-reply'],
    ]);
    machine.sparedUntilMs = 1_500;
    expect([kindAt(1_100, 'shard-1'), kindAt(1_500, 'shard-1')]).toEqual([undefined, 'lost-reply']);
  });

  it('of an unknown kind say nothing that anybody knows, and not whether the write took effect', () => {
    const faults = new CallFaults(new Chance(1), 100_000);
    faults.open({ kind: 'unknown-error', untilMs: 1_000, probability: 1 });
    const fates = Array.from({ length: 20 }, () => faults.fateOf(write('shard-1'), machine, 0));
    expect(new Set(fates.map(({ effects }) => effects))).toEqual(new Set([0, 1]));
    expect(fates.every(({ instead }) => instead instanceof Error && !('code' in instead))).toBe(true);
  });

  it('of an unknown kind meet only holders where no lease may be lost: others leave it to expire', () => {
    const faults = new CallFaults(new Chance(1), 100_000, 500);
    faults.open({ kind: 'unknown-error', untilMs: 9_000, probability: 1 });
    expect(faults.fateOf(write('shard-1', release), machine, 5_000).kind).toBeUndefined();
    expect(faults.fateOf(write('shard-1'), machine, 5_000).kind).toBe('unknown-error');
  });

  it('meet one kind of write only, if they are told so', () => {
    const faults = new CallFaults(new Chance(1), 100_000);
    faults.open({ kind: 'lost-request', writes: 'releases', untilMs: 1_000, probability: 1 });
    const kindOf = (call: ServiceCall): string | undefined => faults.fateOf(call, machine, 0).kind;
    expect([kindOf(write('shard-1')), kindOf(write('shard-1', release)), kindOf(scan)]).toEqual([
      ...[undefined, 'lost-request', undefined],
    ]);
  });
});

describe('troubles right after one another', () => {
  const fates = (faults: CallFaults, leaseKey: string, calls: number): readonly object[] =>
    Array.from({ length: calls }, () => faults.fateOf(write(leaseKey), machine, 1_000));

  it('follow the writes to one row: an answer is lost, a later one comes, and then the machine is cut off', () => {
    const faults = new CallFaults(new Chance(3), 100_000);
    faults.mishaps.plan(machine, 7_000);
    // It may be planned for an acquisition.
    faults.fateOf(write('shard-1', 'SET leaseOwner = :me, millraceFailoverMs = :failover'), machine, 1_000);
    const seen = fates(faults, 'shard-1', 4);
    const silence = { kind: 'doubt-then-silence', effects: 0, instead: 'nothing' };
    expect(seen).toContainEqual(expect.objectContaining(silence));
    expect(machine.cutOffUntilMs.dynamodb).toBe(8_000);
    expect(seen.at(-1)).not.toHaveProperty('kind');
    machine.cutOffUntilMs.dynamodb = 0;
  });

  it('leave other rows and other machines alone, and end with the trouble', () => {
    const faults = new CallFaults(new Chance(3), 100_000);
    faults.mishaps.plan(machine, 7_000);
    const other = new Machine({
      ...{ name: 'w2', time: new VirtualTime(), originMs: 0, skewMs: 0, driftRate: 0, clockRate: 1 },
      onDown: () => undefined,
    });
    for (let call = 0; call < 5; call++) {
      expect(faults.fateOf(write('shard-1'), other, 1_000)).toMatchObject({ effects: 1 });
      expect(faults.fateOf(scan, machine, 1_000)).toMatchObject({ effects: 1 });
    }
    faults.mishaps.end();
    expect(fates(faults, 'shard-1', 5).every((fate) => !('instead' in fate))).toBe(true);
    expect(machine.cutOffUntilMs.dynamodb).toBe(0);
  });
});
