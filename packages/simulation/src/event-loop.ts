/** Steps that are queued at once: between two of them the event loop does not ask the operating system for anything. */
const stepsAtOnce = 64;

/** What was thrown; by then it is an error, if the code that threw it is in its right mind. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/**
 * Runs `step` again and again until it returns false. Between two steps everything runs that can go on by itself: what
 * was promised and is now settled. Rejects with what a step throws.
 */
export function runSteps(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let queued = 0;
    let isOver = false;
    const queue = (): void => {
      for (; queued < stepsAtOnce; queued++) setImmediate(turn);
    };
    const turn = (): void => {
      queued--;
      if (isOver) return;
      try {
        isOver = !step();
      } catch (error) {
        isOver = true;
        reject(asError(error));
      }
      if (isOver) resolve();
      else if (queued === 0) queue();
    };
    queue();
  });
}
