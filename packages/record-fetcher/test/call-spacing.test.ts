import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { CallSpacing } from '../src/call-spacing';

function answers(spacing: CallSpacing, count: number): void {
  for (let index = 0; index < count; index++) {
    spacing.called();
    spacing.answered(1);
  }
}

/** So many refusals in a row, and an answer after them. */
function refusal(spacing: CallSpacing, { times = 1, isCaughtUp = true } = {}): void {
  for (let index = 0; index <= times; index++) spacing.called();
  spacing.refused(times, { isCaughtUp });
  spacing.answered(1);
}

/** After refusals that let it count so many readers, and the calls that it takes to settle. */
function among(readers: number): CallSpacing {
  const spacing = new CallSpacing();
  while (Math.round(spacing.ms) < readers * 200) refusal(spacing);
  answers(spacing, 30);
  return spacing;
}

describe('the distance of calls', () => {
  it('is 200 ms for one that is never refused', () => {
    const spacing = new CallSpacing();
    answers(spacing, 10_000);
    expect(spacing.ms).toBe(200);
    expect(spacing.share).toBe(1);
  });

  it.each([2, 3, 4, 7])('is n times 200 ms at rest, with %s readers', (readers) => {
    const spacing = among(readers);
    expect(spacing.ms).toBeCloseTo(readers * 200);
    expect(spacing.share).toBeCloseTo(1 / readers);
    answers(spacing, 150);
    expect(spacing.ms).toBeGreaterThan(readers * 200 * 0.99);
  });

  it.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [4, 4],
    [6, 4],
  ])('of one that counts %s readers is that of one more after %s refusals', (readers, refusals) => {
    const spacing = among(readers);
    for (let index = 1; index < refusals; index++) refusal(spacing);
    expect(spacing.ms).toBeCloseTo(readers * 200);
    refusal(spacing);
    expect(spacing.ms).toBeCloseTo((readers + 1) * 200);
  });

  it('is that of two after many refusals in a row, too, of one that thought it was alone', () => {
    const spacing = new CallSpacing();
    refusal(spacing, { times: 5 });
    expect(spacing.ms).toBe(400);
  });

  it('does not change for refusals in a row, which speak of large answers, and they do not put off a trial', () => {
    const spacing = among(3);
    for (let index = 0; index < 12; index++) {
      refusal(spacing, { times: 2 });
      answers(spacing, 19);
      expect(spacing.ms).toBeLessThan(601);
    }
    answers(spacing, 200);
    expect(spacing.ms).toBe(200);
  });

  it('changes for refusals in a row that come all the time, unless there was a lot to read', () => {
    const spacing = among(3);
    for (let index = 0; index < 20; index++) {
      refusal(spacing, { times: 2, isCaughtUp: false });
      answers(spacing, 2);
    }
    expect(spacing.ms).toBeCloseTo(600);
    for (let index = 0; index < 4; index++) {
      refusal(spacing, { times: 2 });
      answers(spacing, 2);
    }
    expect(spacing.ms).toBeCloseTo(800);
  });

  it('does not change for refusals that are far apart', () => {
    const spacing = among(2);
    for (let index = 0; index < 20; index++) {
      refusal(spacing);
      answers(spacing, 100);
    }
    expect(spacing.ms).toBeCloseTo(400);
  });

  it('does not change again before the others can have reacted', () => {
    const spacing = new CallSpacing();
    refusal(spacing);
    for (let index = 0; index < 10; index++) refusal(spacing);
    expect(spacing.ms).toBeCloseTo(400);
    refusal(spacing);
    refusal(spacing);
    expect(spacing.ms).toBeCloseTo(600);
  });

  it('is two seconds at most', () => {
    const spacing = new CallSpacing();
    for (let index = 0; index < 2_000; index++) refusal(spacing);
    expect(spacing.ms).toBeCloseTo(2_000);
  });
});

describe('a trial', () => {
  /** Until the distance is `ms`, or less. */
  function untilCloserThan(spacing: CallSpacing, ms: number): number {
    let count = 0;
    for (; spacing.ms > ms && count < 1_000; count++) answers(spacing, 1);
    return count;
  }

  it('begins after some hundred answers in peace, and ends at 200 ms when nobody objects', () => {
    const spacing = among(3);
    const begin = untilCloserThan(spacing, 588);
    expect(begin).toBeGreaterThan(200);
    const end = begin + untilCloserThan(spacing, 200);
    expect(end).toBeLessThan(450);
    answers(spacing, 1_000);
    expect(spacing.ms).toBe(200);
  });

  it('takes less than five minutes among three', () => {
    const spacing = among(3);
    let tookMs = 0;
    while (spacing.ms > 210 && tookMs < 300_000) {
      tookMs += spacing.ms * 1.1;
      answers(spacing, 1);
    }
    expect(tookMs).toBeLessThan(300_000);
  });

  it.each([
    ['its beginning', 3, 560, 3],
    ['just below the distance of two', 3, 380, 3],
    ['well below the distance of two', 3, 280, 2],
    ['200 ms', 5, 200, 2],
    ['the distance of three', 6, 420, 3],
  ])('that is refused at %s goes back to where the shard has room', (_, readers, ms, found) => {
    const spacing = among(readers);
    untilCloserThan(spacing, ms);
    refusal(spacing);
    expect(spacing.ms).toBeCloseTo(found * 200);
  });

  it('is put off by each refusal', () => {
    const spacing = among(3);
    for (let index = 0; index < 50; index++) {
      answers(spacing, 200);
      refusal(spacing);
      expect(spacing.ms).toBeCloseTo(600);
    }
  });

  it('that nobody objected to leaves it alone: the next refusal says two, and counts at once from then on', () => {
    const spacing = among(5);
    answers(spacing, 480);
    refusal(spacing);
    expect(spacing.ms).toBeCloseTo(400);
    answers(spacing, 25);
    refusal(spacing);
    refusal(spacing);
    expect(spacing.ms).toBeCloseTo(600);
  });

  it('that ended does not make refusals count while those of others go on', () => {
    const spacing = among(3);
    untilCloserThan(spacing, 560);
    refusal(spacing);
    for (let index = 0; index < 20; index++) {
      refusal(spacing);
      answers(spacing, 1);
    }
    expect(spacing.ms).toBeCloseTo(600);
    answers(spacing, 20);
    for (let index = 0; index < 4; index++) refusal(spacing);
    expect(spacing.ms).toBeCloseTo(800);
  });
});

it('some hundred answers in peace lead back to 200 ms, whatever was before', () => {
  const refused = fc.record({ times: fc.integer({ min: 1, max: 4 }), isCaughtUp: fc.boolean() });
  const event = fc.oneof({ arbitrary: refused, weight: 3 }, { arbitrary: fc.nat({ max: 500 }), weight: 1 });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 100 }), (events) => {
      const spacing = new CallSpacing();
      for (const one of events) {
        if (typeof one === 'number') answers(spacing, one);
        else refusal(spacing, one);
      }
      answers(spacing, 480);
      expect(spacing.ms).toBe(200);
      // And one that is alone counts one other at the first refusal, not as many as it once knew.
      answers(spacing, 60);
      refusal(spacing);
      expect(spacing.ms).toBeCloseTo(400);
    }),
  );
});

it('one answer may stand for many', () => {
  const spacing = among(3);
  for (let index = 0; index < 48; index++) {
    spacing.called();
    spacing.answered(10);
  }
  expect(spacing.ms).toBe(200);
});
