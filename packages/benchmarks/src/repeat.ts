/** When to stop: whichever comes first. */
export interface Bounds {
  readonly seconds: number;
  /** Of what the steps count. What is under way then is finished, so that a few more may be done. */
  readonly maxCount: number;
}

export interface Tally {
  readonly count: number;
  /** From the beginning to the end of the last step. */
  readonly seconds: number;
}

/**
 * Does `step` again and again in several loops at once until a bound is reached. A step is given the number of its loop, from
 * 0, and returns how much it has done. Each step that was begun is waited for, and its work and its time are counted: a
 * step of three seconds, begun within a bound of one, makes a run of three.
 *
 * @throws what a step throws, after the other loops have ended too
 */
export async function repeat(
  bounds: Bounds,
  concurrency: number,
  step: (loop: number) => Promise<number>,
  now: () => number = () => performance.now(),
): Promise<Tally> {
  const beganAtMs = now();
  let count = 0;
  let hasFailed = false;
  const runLoop = async (loop: number): Promise<void> => {
    while (!hasFailed && count < bounds.maxCount && now() - beganAtMs < bounds.seconds * 1000) {
      try {
        const done = await step(loop);
        // Not `count += await …`: that would add to what the count was before the step.
        count += done;
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const loops = await Promise.allSettled(Array.from({ length: concurrency }, (_, loop) => runLoop(loop)));
  const failed = loops.find((loop) => loop.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return { count, seconds: (now() - beganAtMs) / 1000 };
}
