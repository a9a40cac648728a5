import type { Clock } from './clock';
import type { AbortSignalLike } from './stop-signal';

/**
 * Runs `task` again and again, one at a time, until `signal` aborts; then resolves. The delay before the next run is
 * what `task` returned, in milliseconds. Rejects when `task` rejects, unless `signal` has aborted by then.
 */
export async function repeat(
  clock: Clock,
  signal: AbortSignalLike,
  task: (signal: AbortSignalLike) => Promise<number>,
): Promise<void> {
  try {
    while (!signal.aborted) {
      const delayMs = await task(signal);
      await clock.sleep(delayMs, signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
