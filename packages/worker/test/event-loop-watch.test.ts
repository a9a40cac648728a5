import { describe, expect, it } from '@jest/globals';
import { ManualClock, RecordingLogger } from '@millrace/core/testing';
import { EventLoopWatch } from '../src/event-loop-watch';

/** A clock whose next timer fires late. */
class LateClock extends ManualClock {
  nextDelayMs = 0;

  override after(delayMs: number, fire: () => void): () => void {
    const lateMs = this.nextDelayMs;
    this.nextDelayMs = 0;
    return super.after(delayMs + lateMs, fire);
  }
}

function aWatch(failoverTimeMs = 10_000) {
  const clock = new LateClock();
  const logger = new RecordingLogger();
  const blocked: number[] = [];
  const watch = new EventLoopWatch({
    failoverTimeMs,
    onBlocked: ({ blockedMs }) => {
      blocked.push(blockedMs);
      return { suspects: [] };
    },
    clock,
    logger,
  });
  let end = (): void => undefined;
  const work = new Promise<void>((resolve) => {
    end = resolve;
  });
  const done = watch.during(() => work);
  const block = async (blockedMs: number): Promise<void> => {
    clock.nextDelayMs = blockedMs;
    // The timer that is running, and the one that is late.
    await clock.advance(1_000 + blockedMs);
  };
  const stop = async (): Promise<void> => {
    end();
    await done;
  };
  return { watch, clock, logger, blocked, block, stop };
}

describe('EventLoopWatch', () => {
  it('says nothing while timers are on time, or less late than a tenth of the failover time', async () => {
    const { watch, clock, logger, blocked, block, stop } = aWatch();
    await clock.advance(600_000);
    expect(watch.greatestDelayMs).toBe(0);
    await block(999);
    expect(watch.greatestDelayMs).toBe(999);
    expect(blocked).toEqual([]);
    expect(logger.lines).toEqual([]);
    await stop();
  });

  it('tells how long the thread stood still, and what to do', async () => {
    const { logger, blocked, block, stop } = aWatch();
    await block(4_200);
    expect(blocked).toEqual([4_200]);
    expect(logger.lines).toMatchObject([
      {
        level: 'warn',
        message: 'event loop was blocked',
        fields: { blockedMs: 4_200, advice: expect.stringContaining('leases.failoverTimeMs') },
      },
    ]);
    await stop();
  });

  it('takes its margin from the failover time', async () => {
    const { blocked, block, stop } = aWatch(60_000);
    await block(5_999);
    await block(6_000);
    expect(blocked).toEqual([6_000]);
    await stop();
  });

  it('logs once a minute at most, and emits every time', async () => {
    const { clock, logger, blocked, block, stop } = aWatch();
    await block(2_000);
    await block(3_000);
    await block(2_500);
    expect(blocked).toEqual([2_000, 3_000, 2_500]);
    const warnings = (): number => logger.lines.filter(({ level }) => level === 'warn').length;
    expect(warnings()).toBe(1);
    await clock.advance(60_000);
    await block(2_000);
    expect(warnings()).toBe(2);
    await stop();
  });

  it('remembers the greatest delay of the last minute, then the next one', async () => {
    const { watch, clock, block, stop } = aWatch();
    await block(3_000);
    await clock.advance(20_000);
    await block(700);
    await block(400);
    expect(watch.greatestDelayMs).toBe(3_000);
    await clock.advance(38_000);
    expect(watch.greatestDelayMs).toBe(700);
    await clock.advance(60_000);
    expect(watch.greatestDelayMs).toBe(0);
    await stop();
  });

  it('ends with the work, leaves no timer, and settles as the work does', async () => {
    const { clock, stop } = aWatch();
    expect(clock.sleeperCount).toBe(1);
    await stop();
    expect(clock.sleeperCount).toBe(0);
    const watch = new EventLoopWatch({
      ...{ failoverTimeMs: 10_000, onBlocked: () => ({}) },
      ...{ clock, logger: new RecordingLogger() },
    });
    await expect(watch.during(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(clock.sleeperCount).toBe(0);
  });

  it('knows of a block that may have cost a lease, also before it has come to measure it', async () => {
    const { watch, clock, block, stop } = aWatch();
    await block(4_999);
    expect(watch.costlyBlockMs).toBeUndefined();
    await block(5_000);
    expect(watch.costlyBlockMs).toBe(5_000);
    await clock.advance(11_000);
    expect(watch.costlyBlockMs).toBeUndefined();
    // The thread stands still: time goes on, and the timer that is due has not fired.
    clock.nextDelayMs = 60_000;
    await clock.advance(500);
    await clock.advance(7_500);
    expect(watch.costlyBlockMs).toBe(7_000);
    await stop();
  });
});
