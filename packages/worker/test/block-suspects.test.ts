import { describe, expect, it } from '@jest/globals';
import { ManualClock, RecordingLogger } from '@millrace/core/testing';
import { blockSuspects } from '../src/block-suspects';
import { ProgressWatchdog } from '../src/progress-watchdog';

const call = (shardId: string, heldMs: number, recordCount = 10) => ({
  ...{ shardId, step: 'processRecords', heldMs, recordCount },
});

describe('who may have blocked the event loop', () => {
  it('is the call that held the thread for half of the time or longer', () => {
    const calls = [call('a', 3), call('b', 2_000), call('c', 1_999)];
    const suspects = [{ shardId: 'b', step: 'processRecords', recordCount: 10 }];
    expect(blockSuspects(calls, 4_000)).toEqual({ suspects, areCertain: true });
  });

  it('may be any that was under way, if none did', () => {
    const { suspects, areCertain } = blockSuspects([call('a', 3), call('b', 1_999)], 4_000);
    expect([suspects.map(({ shardId }) => shardId), areCertain]).toEqual([['a', 'b'], false]);
    expect(blockSuspects([], 4_000)).toEqual({ suspects: [], areCertain: false });
  });
});

describe("calls of the user's code", () => {
  /** A clock that the call itself moves on, as one that computes does. */
  class SettableClock extends ManualClock {
    extraMs = 0;

    override now(): number {
      return super.now() + this.extraMs;
    }
  }

  function aWatchdog() {
    const clock = new SettableClock();
    const parts = { stallTimeoutMs: 60_000, onBlocked: () => undefined, clock, logger: new RecordingLogger() };
    return { clock, watchdog: new ProgressWatchdog(parts) };
  }

  it('are known while they are under way, with what they were given', async () => {
    const { watchdog, clock } = aWatchdog();
    let end = (): void => undefined;
    const done = watchdog.userCall('processRecords', () => new Promise<void>((resolve) => (end = resolve)), 25);
    await clock.advance(5_000);
    expect(watchdog.busySince(4_000)).toMatchObject({ step: 'processRecords', recordCount: 25, heldMs: 0 });
    end();
    await done;
    expect(watchdog.busySince(5_001)).toBeUndefined();
  });

  it('are measured up to their first await, also if they throw, and are still known a moment after they ended', async () => {
    const { watchdog, clock } = aWatchdog();
    const blocking = watchdog.userCall(
      'processRecords',
      () => {
        clock.extraMs += 3_000;
        throw new Error('no');
      },
      7,
    );
    await expect(blocking).rejects.toThrow('no');
    await watchdog.userCall('processRecords', () => undefined, 1);
    expect(watchdog.busySince(0)).toMatchObject({ recordCount: 7, heldMs: 3_000 });
  });

  it('are not blamed for what they did before a block', async () => {
    const { watchdog, clock } = aWatchdog();
    void watchdog.userCall('processRecords', () => {
      clock.extraMs += 3_000;
      return new Promise<void>(() => undefined);
    });
    expect(watchdog.busySince(2_000)).toMatchObject({ heldMs: 3_000 });
    await clock.advance(30_000);
    expect(watchdog.busySince(31_000)).toMatchObject({ heldMs: 0 });
  });
});
