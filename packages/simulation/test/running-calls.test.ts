import { beforeEach, describe, expect, it } from '@jest/globals';
import { Machine } from '../src/machine';
import { RunningCalls } from '../src/running-calls';
import { VirtualTime } from '../src/virtual-time';

const shardId = 'shard-1';

describe('calls of the user code that are under way', () => {
  let time: VirtualTime;
  let found: string[];
  let calls: RunningCalls;
  let mine: Machine;
  let other: Machine;
  let stop: AbortController;
  let finish: () => void;

  beforeEach(() => {
    time = new VirtualTime();
    time.step(100_000);
    found = [];
    calls = new RunningCalls({ time, suspendedForMs: 10_000, violate: (_, what) => found.push(what) });
    const machine = (name: string): Machine =>
      new Machine({ name, time, originMs: 0, skewMs: 0, driftRate: 0, clockRate: 1, onDown: () => undefined });
    [mine, other] = [machine('w1'), machine('w2')];
    stop = new AbortController();
  });

  function begin(): Promise<void> {
    const call = { machine: mine, shardId, method: 'processRecords', signal: stop.signal };
    return calls.during(call, () => new Promise((resolve) => (finish = resolve)));
  }

  it('must be over when the lease is given away', async () => {
    const call = begin();
    calls.givenAway(other, shardId);
    calls.givenAway(mine, 'shard-2');
    expect(found).toEqual([]);
    calls.givenAway(mine, shardId);
    expect(found).toEqual(['w1 gave the lease away while processRecords was under way']);
    finish();
    await call;
    calls.givenAway(mine, shardId);
    expect(found).toHaveLength(1);
  });

  it('must have been told to stop when another acquires the lease', () => {
    void begin();
    calls.acquired(mine, shardId);
    expect(found).toEqual([]);
    calls.acquired(other, shardId);
    expect(found).toEqual(['w2 acquired the lease, and processRecords on w1 was not told to stop']);
    stop.abort();
    calls.acquired(other, shardId);
    expect(found).toHaveLength(1);
  });

  it('cannot be told on a machine that stands still, or is down', () => {
    void begin();
    mine.suspend(1_000);
    calls.acquired(other, shardId);
    time.step(105_000);
    calls.acquired(other, shardId);
    expect(found).toEqual([]);
    time.step(112_000);
    mine.retire();
    calls.acquired(other, shardId);
    expect(found).toEqual([]);
  });
});
