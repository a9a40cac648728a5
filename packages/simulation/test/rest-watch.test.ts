import { describe, expect, it } from '@jest/globals';
import { Machine } from '../src/machine';
import { RestWatch } from '../src/rest-watch';
import { VirtualTime } from '../src/virtual-time';

describe('a fleet at rest', () => {
  const time = new VirtualTime();
  const found: string[] = [];
  const rest = new RestWatch({ time, restsAfterMs: 30_000, heldUpMs: 0, violate: (_, what) => found.push(what) });
  const machine = (name: string): Machine =>
    new Machine({ name, time, originMs: 0, skewMs: 0, driftRate: 0, clockRate: 1, onDown: () => undefined });
  const [w1, w2] = [machine('w1'), machine('w2')];

  it('may move leases for a while after something has happened, and then no more', () => {
    time.step(10_000);
    rest.disturbed();
    time.step(39_000);
    rest.moved('shard-1', w1, w2);
    expect(found).toEqual([]);
    time.step(41_000);
    rest.moved('shard-1', w2, w1);
    expect(found).toEqual(['the lease went from w2 to w1 although nothing had happened for 31000 ms']);
    rest.disturbed();
    rest.moved('shard-1', w1);
    expect(found).toHaveLength(1);
  });

  it('lets the user’s code hold up what a worker begins that comes late, until all is well again', () => {
    const holding: string[] = [];
    const parts = {
      time,
      restsAfterMs: 30_000,
      heldUpMs: 60_000,
      violate: (_: string, what: string) => holding.push(what),
    };
    const late = new RestWatch(parts);
    late.well();
    expect(late.isWell).toBe(true);
    late.fleetChanged();
    expect(late.isWell).toBe(false);
    time.step(time.nowMs + 80_000);
    late.moved('shard-1', w1, w2);
    expect(holding).toEqual([]);
    late.well();
    late.moved('shard-1', w2, w1);
    expect(holding).toHaveLength(1);
  });
});
