import { describe, expect, it } from '@jest/globals';
import { CallFaults } from '../src/call-faults';
import { Chance } from '../src/chance';
import { Machine } from '../src/machine';
import type { ServiceCall } from '../src/service-call';
import { VirtualTime } from '../src/virtual-time';

const machine = new Machine({
  ...{ name: 'w1', time: new VirtualTime(), originMs: 0, skewMs: 0, driftRate: 0 },
  onDown: () => undefined,
});

function write(leaseKey: string, UpdateExpression = 'ADD leaseCounter :one'): ServiceCall {
  return {
    service: 'dynamodb',
    operation: 'UpdateItem',
    input: { Key: { leaseKey: { S: leaseKey } }, UpdateExpression },
  };
}

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

  it('of an unknown kind hide that a holder has written, and say nothing that anybody knows', () => {
    const faults = new CallFaults(new Chance(1), 100_000);
    faults.open({ kind: 'unknown-error', untilMs: 1_000, probability: 1 });
    const { effects, instead } = faults.fateOf(write('shard-1'), machine, 0);
    expect({ effects, isError: instead instanceof Error, isSaid: Object.keys(instead ?? {}).includes('code') }).toEqual(
      {
        ...{ effects: 1, isError: true, isSaid: false },
      },
    );
    expect(faults.fateOf(write('shard-1', 'REMOVE leaseOwner ADD leaseCounter :one'), machine, 0).kind).toBeUndefined();
  });
});
