import { ManualClock, settle } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { Alarm } from '../src/alarm';

describe('Alarm', () => {
  it('waits for its time', async () => {
    const clock = new ManualClock();
    let woken = false;
    const wait = new Alarm(clock).wait(100).then(() => (woken = true));
    await clock.advance(99);
    expect(woken).toBe(false);
    await clock.advance(1);
    await wait;
  });

  it('is cut short by a ring, once', async () => {
    const clock = new ManualClock();
    const alarm = new Alarm(clock);
    const wait = alarm.wait(100);
    alarm.ring();
    await wait;
    expect(clock.sleeperCount).toBe(0);
    void alarm.wait(100);
    await settle();
    expect(clock.sleeperCount).toBe(1);
  });

  it('keeps a ring until somebody waits', async () => {
    const alarm = new Alarm(new ManualClock());
    alarm.ring();
    alarm.ring();
    await alarm.wait(100);
  });
});
