import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { SimulationOptions, SimulationResult } from './simulation';

/** Of each thread: with so much, what a seed leaves behind is mostly gone before it is looked at. */
const maxYoungGenerationSizeMb = 192;

export interface SeedRange {
  readonly firstSeed: number;
  readonly seeds: number;
  readonly workers: number | undefined;
  readonly shards: number | undefined;
}

/** A seed whose run broke off: something was thrown where nobody expected it. */
export class BrokenRunError extends Error {
  override readonly name = 'BrokenRunError';
}

/**
 * Runs many seeds over several threads. `onResult` gets each one as it is done, in any order. Rejects with
 * {@link BrokenRunError} when a run breaks off; the others are given up then.
 */
export async function runSeeds(
  { firstSeed, seeds, workers, shards }: SeedRange,
  threads: number,
  onResult: (result: SimulationResult) => void,
): Promise<void> {
  let next = firstSeed;
  const endSeed = firstSeed + seeds;
  const runThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const thread = new Worker(join(__dirname, 'seed-thread.js'), {
        resourceLimits: { maxYoungGenerationSizeMb },
      });
      let seed = next;
      const sendNext = (): void => {
        if (next >= endSeed) {
          void thread.terminate().then(() => resolve());
          return;
        }
        seed = next++;
        const options: SimulationOptions = { seed, workers, shards };
        thread.postMessage(options);
      };
      thread.on('message', (result: SimulationResult) => {
        onResult(result);
        sendNext();
      });
      thread.on('error', (cause) => {
        next = endSeed;
        reject(new BrokenRunError(`the run of seed ${seed} broke off`, { cause }));
      });
      sendNext();
    });
  await Promise.all(Array.from({ length: Math.min(threads, seeds) }, runThread));
}
