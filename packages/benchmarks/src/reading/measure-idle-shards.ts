import { pageShapes } from '../processing/page-shapes';
import { withPrebuilt } from '../processing/read-in-turns';
import type { ScenarioContext } from '../timed-scenario';
import { heapOf1Gb } from '../v8-heap';
import { runIdle } from './run-idle';
import { adapterOf, type IdleShardsName, type IdleShardsRun, type Measurement } from './scenario';

const shards = 1_000;
const reader = 'direct';
const nodeArguments: Readonly<Record<IdleShardsName, readonly string[]>> = {
  'idle-1000-shards': [],
  'idle-1000-shards-1gb-heap': heapOf1Gb,
};
/** The most that can be asked for: none is read again while it is measured. */
const hardlyEverMs = 240_000;

/**
 * What a process takes that holds 1000 shards without records, with default options: each is read once a second, and its lease
 * renewed every 3.3 seconds. The same process that hardly ever reads is measured behind it: what it takes is taken for what renewals
 * take, with all else that a worker does by itself, and the difference for what reading takes.
 */
export async function measureIdleShards(
  scenario: IdleShardsName,
  context: ScenarioContext,
): Promise<readonly Measurement[]> {
  const all = await withPrebuilt({ shards, ...pageShapes.empty }, context.signal, async (server) => {
    const runs: IdleShardsRun[] = [];
    for (let run = 1; run <= context.runs; run++) {
      const measure = (what: string, idleTimeBetweenReadsMs: number | undefined): ReturnType<typeof runIdle> => {
        const task = { applicationName: `${scenario}-${what}-${run}`, reader, shards, idleTimeBetweenReadsMs } as const;
        return runIdle(server, { ...task, leases: undefined }, context, nodeArguments[scenario]);
      };
      runs.push({ reading: await measure('reading', undefined), renewing: await measure('renewing', hardlyEverMs) });
    }
    return runs;
  });
  const samples = { kind: 'idle-shards', runs: all } as const;
  return [{ scenario, adapter: adapterOf[reader], samples }];
}
