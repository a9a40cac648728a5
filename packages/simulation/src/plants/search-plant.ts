import type { Plant } from './plant';
import { SeedRunner, type RunFailure } from './seed-runner';

export interface PlantSearch {
  readonly firstSeed: number;
  /** How many at the most. */
  readonly seeds: number;
  readonly workers?: number | undefined;
  readonly shards?: number | undefined;
}

export interface PlantFinding {
  readonly plant: string;
  /** The first seed that fails with the bug, and does not without it; `null` if there is none. */
  readonly seed: number | null;
  readonly guarantee: string | null;
  /** How many were run. */
  readonly seeds: number;
}

/**
 * Runs seeds with a bug in them, over several threads, until one fails. `onFound` is told what was wrong with each that does.
 */
export async function searchPlant(
  { name }: Plant,
  { firstSeed, seeds, workers, shards }: PlantSearch,
  threads: number,
  onFound: (seed: number, failure: RunFailure) => void = () => undefined,
): Promise<PlantFinding> {
  let next = firstSeed;
  let endSeed = firstSeed + seeds;
  let run = 0;
  let found: { readonly seed: number; readonly guarantee: string } | undefined;
  const search = async (): Promise<void> => {
    const planted = new SeedRunner(name);
    while (next < endSeed) {
      const options = { seed: next++, workers, shards };
      const failure = await planted.run(options);
      run++;
      if (failure === undefined) continue;
      // A seed that fails anyway says nothing about the bug.
      const plain = new SeedRunner();
      const failsAnyway = (await plain.run(options)) !== undefined;
      await plain.end();
      if (failsAnyway || (found !== undefined && found.seed < options.seed)) continue;
      onFound(options.seed, failure);
      found = { seed: options.seed, guarantee: failure.guarantee };
      // Earlier ones that are under way may still fail, so that the answer is the same with any number of threads.
      endSeed = Math.min(endSeed, options.seed);
    }
    await planted.end();
  };
  await Promise.all(Array.from({ length: Math.min(threads, seeds) }, search));
  return { plant: name, seed: found?.seed ?? null, guarantee: found?.guarantee ?? null, seeds: run };
}
