import { describe, expect, it } from '@jest/globals';
import type { Clock } from '@millrace/core';
import { ManualClock, RecordingLogger, settle } from '@millrace/core/testing';
import { ProgressWatchdog, type ShowLife } from '../src/progress-watchdog';

const stallTimeoutMs = 1_000;
const never = new Promise<never>(() => undefined);
const untilAborted = new AbortController().signal;

function aWatchdog(clock: Clock) {
  const blocked: unknown[] = [];
  const watchdog = new ProgressWatchdog({
    stallTimeoutMs,
    onBlocked: (event) => blocked.push(event),
    clock,
    logger: new RecordingLogger(),
  });
  return { watchdog, blocked };
}

/** A machine that can stand still: timers that fall due meanwhile fire, late, when it goes on. */
class PausingClock extends ManualClock {
  #isPaused = false;
  readonly #late: (() => void)[] = [];

  override after(delayMs: number, fire: () => void): () => void {
    return super.after(delayMs, () => {
      if (this.#isPaused) this.#late.push(fire);
      else fire();
    });
  }

  async pause(durationMs: number): Promise<void> {
    this.#isPaused = true;
    await this.advance(durationMs);
    this.#isPaused = false;
    for (const goOn of this.#late.splice(0)) goOn();
    await settle();
  }
}

/** Its timers do not fire any more after many, so that what goes round without time passing ends. */
class TiringClock extends ManualClock {
  #timers = 0;

  override after(delayMs: number, fire: () => void): () => void {
    return super.after(++this.#timers > 100 ? Infinity : delayMs, fire);
  }
}

describe('ProgressWatchdog', () => {
  it('gives what the work settles with, and rejects as it does', async () => {
    const { watchdog } = aWatchdog(new ManualClock());
    await expect(watchdog.watch(untilAborted, async () => 5)).resolves.toEqual({ kind: 'settled', value: 5 });
    await expect(watchdog.watch(untilAborted, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    watchdog.end();
  });

  it('watches work no longer that fails at once', async () => {
    const clock = new ManualClock();
    const { watchdog } = aWatchdog(clock);
    const fails = (show: ShowLife): never => {
      show(10 * stallTimeoutMs);
      throw new Error('at once');
    };
    await expect(watchdog.watch(untilAborted, fails)).rejects.toThrow('at once');
    await clock.advance(stallTimeoutMs);
    expect(clock.sleeperCount).toBe(0);
  });

  it('waits no longer than the stall time, to the millisecond, however long it has run idle before', async () => {
    const clock = new ManualClock();
    const { watchdog } = aWatchdog(clock);
    await clock.advance(12_345);
    let outcome: unknown;
    void watchdog.watch(untilAborted, () => never).then((value) => (outcome = value));
    await clock.advance(stallTimeoutMs - 1);
    expect(outcome).toBeUndefined();
    await clock.advance(1);
    expect(outcome).toEqual({ kind: 'stalled', stalledMs: stallTimeoutMs });
    watchdog.end();
  });

  it('finds due what its timer was set for, whatever the rounding', async () => {
    // The clock comes to `startMs + stallTimeoutMs`, and less that `startMs` it is less than the stall time.
    const startMs = Array.from({ length: 1_000 }, (_, index) => 8_000 + index / 10).find(
      (atMs) => atMs + stallTimeoutMs - atMs < stallTimeoutMs,
    );
    if (startMs === undefined) throw new Error('no such time');
    const clock = new TiringClock();
    const { watchdog, blocked } = aWatchdog(clock);
    await clock.advance(startMs);
    void watchdog.userCall('processRecords', () => never);
    let outcome: unknown;
    void watchdog.watch(untilAborted, () => never).then((value) => (outcome = value));
    await clock.advance(stallTimeoutMs);
    expect(outcome).toMatchObject({ kind: 'stalled' });
    expect(blocked).toHaveLength(1);
    watchdog.end();
  });

  it('counts from the last sign of life', async () => {
    const clock = new ManualClock();
    const { watchdog } = aWatchdog(clock);
    let outcome: unknown;
    const watching = watchdog.watch(untilAborted, async (showLife) => {
      await clock.sleep(900);
      showLife();
      await clock.sleep(900);
      showLife(5_000);
      return never;
    });
    void watching.then((value) => (outcome = value));
    await clock.advance(1_800 + 5_000 + stallTimeoutMs - 1);
    expect(outcome).toBeUndefined();
    await clock.advance(1);
    expect(outcome).toEqual({ kind: 'stalled', stalledMs: stallTimeoutMs });
    watchdog.end();
  });

  it('watches several pieces of work, each by its own signs of life', async () => {
    const clock = new ManualClock();
    const { watchdog } = aWatchdog(clock);
    const ended: string[] = [];
    const isLively = watchdog.watch(untilAborted, async (showLife) => {
      for (let turn = 0; turn < 30; turn++) {
        await clock.sleep(100);
        showLife();
      }
    });
    void isLively.then(({ kind }) => ended.push(`lively ${kind}`));
    void watchdog.watch(untilAborted, () => never).then(({ kind }) => ended.push(`silent ${kind}`));
    await clock.advance(5_000);
    expect(ended).toEqual(['silent stalled', 'lively settled']);
    watchdog.end();
  });

  it('waits no longer once the signal aborts', async () => {
    const { watchdog } = aWatchdog(new ManualClock());
    const ending = new AbortController();
    const watching = watchdog.watch(ending.signal, () => never);
    ending.abort();
    await expect(watching).resolves.toEqual({ kind: 'aborted' });
    watchdog.end();
  });

  it('ignores what settles, or fails, late', async () => {
    const clock = new ManualClock();
    const { watchdog } = aWatchdog(clock);
    const watching = watchdog.watch(untilAborted, async () => {
      await clock.sleep(2_000);
      throw new Error('late');
    });
    await clock.advance(5_000);
    await expect(watching).resolves.toMatchObject({ kind: 'stalled' });
    watchdog.end();
  });

  it('does not count the time in which the process stood still', async () => {
    const clock = new PausingClock();
    const { watchdog } = aWatchdog(clock);
    let outcome: unknown;
    void watchdog.watch(untilAborted, () => never).then((value) => (outcome = value));
    await clock.advance(600);
    await clock.pause(100_000);
    expect(outcome).toBeUndefined();
    await clock.advance(2_000);
    expect(outcome).toMatchObject({ kind: 'stalled' });
    watchdog.end();
  });

  it('reaches the user’s code in the same turn, and hands its failure on', async () => {
    const { watchdog } = aWatchdog(new ManualClock());
    let reached = false;
    const call = watchdog.userCall('processRecords', () => {
      reached = true;
      throw new Error('no');
    });
    expect(reached).toBe(true);
    await expect(call).rejects.toThrow('no');
    expect(watchdog.problem).toBeUndefined();
    watchdog.end();
  });

  it('leaves no timer behind, and does not wake more often than once per stall time', async () => {
    let sleeps = 0;
    class CountingClock extends ManualClock {
      override sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
        sleeps++;
        return super.sleep(delayMs, signal);
      }
    }
    const clock = new CountingClock();
    const { watchdog } = aWatchdog(clock);
    for (let turn = 0; turn < 1_000; turn++) {
      await watchdog.watch(untilAborted, async () => undefined);
      await clock.advance(10);
    }
    expect(sleeps).toBeLessThanOrEqual(12);
    watchdog.end();
    expect(clock.sleeperCount).toBe(0);
  });
});
