import { describe, expect, it } from '@jest/globals';
import { Machine } from '../src/machine';
import { VirtualTime } from '../src/virtual-time';

function machineIn(time: VirtualTime): Machine {
  return new Machine({
    name: 'w1',
    time,
    originMs: 5_000,
    skewMs: 3_600_000,
    driftRate: 0,
    clockRate: 1,
    onDown: () => undefined,
  });
}

function runUntil(time: VirtualTime, untilMs: number): void {
  while (time.step(untilMs));
}

describe('virtual time', () => {
  it('lets everything happen in the order of its moments, and of its coming within one', () => {
    const time = new VirtualTime();
    const heard: string[] = [];
    for (const [atMs, name] of [
      [30, 'c'],
      [10, 'a'],
      [20, 'b'],
      [30, 'd'],
      [5, '0'],
    ] as const) {
      time.at(atMs, () => heard.push(`${name} ${time.nowMs}`));
    }
    const cancelled = time.at(15, () => heard.push('never'));
    cancelled.isCancelled = true;
    runUntil(time, 25);
    expect(heard).toEqual(['0 5', 'a 10', 'b 20']);
    expect(time.nowMs).toBe(25);
    runUntil(time, 100);
    expect(heard.slice(3)).toEqual(['c 30', 'd 30']);
  });

  it('holds back what belongs to a paused machine, whose clock goes on', () => {
    const time = new VirtualTime();
    const machine = machineIn(time);
    const heard: string[] = [];
    time.at(10, () => heard.push(`mine ${time.nowMs} ${machine.now()}`), machine);
    time.at(20, () => heard.push(`other ${time.nowMs}`));
    machine.pause(50);
    runUntil(time, 100);
    expect(heard).toEqual(['other 20', 'mine 50 5050']);
  });

  it('stops the monotonic clock of a suspended machine, not its wall clock, and its timers wait longer', async () => {
    const time = new VirtualTime();
    const machine = machineIn(time);
    const [beforeMs, wallBeforeMs] = [machine.now(), machine.wallTime()];
    const sleeping = machine.sleep(30);
    machine.suspend(1_000);
    // Due while it was suspended, and then when its own clock says so.
    expect([time.step(Infinity), time.nowMs]).toEqual([true, 1_000]);
    expect([time.step(Infinity), time.nowMs]).toEqual([true, 1_030]);
    await sleeping;
    runUntil(time, 2_000);
    expect(machine.now() - beforeMs).toBe(1_000);
    expect(machine.wallTime() - wallBeforeMs).toBe(2_000);
  });

  it('lets nothing happen on a machine that is down, and kills one at its next timer', () => {
    const time = new VirtualTime();
    const down: string[] = [];
    const machine = new Machine({
      ...{ name: 'w1', time, originMs: 0, skewMs: 0, driftRate: 0, clockRate: 1 },
      onDown: (_, how) => down.push(how),
    });
    const heard: string[] = [];
    machine.diesAtNextTimer = true;
    time.at(10, () => heard.push('reply'), machine);
    time.at(20, () => heard.push('timer'), machine, true);
    time.at(30, () => heard.push('after'), machine);
    runUntil(time, 100);
    expect(heard).toEqual(['reply']);
    expect(down).toEqual(['kill-at-timer']);
  });

  it('stops a machine at the kind of call that was chosen, once, and for no longer than it may last', () => {
    const time = new VirtualTime();
    const machine = machineIn(time);
    machine.stopsAtCall = { kind: 'suspend', lastsMs: 500, at: 'takes', untilMs: 300 };
    expect([machine.strike('records'), machine.strike('renews'), machine.strike(undefined)]).toEqual([
      ...[undefined, undefined, undefined],
    ]);
    expect([machine.strike('takes'), machine.strike('takes')]).toEqual(['suspend', undefined]);
    expect(machine.pausedUntilMs).toBe(300);
    machine.stopsAtCall = { kind: 'pause', lastsMs: 500, at: 'any', untilMs: 10_000 };
    expect([machine.strike(undefined), machine.pausedUntilMs]).toEqual(['pause', 500]);
  });
});
