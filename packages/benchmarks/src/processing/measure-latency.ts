import { spreadOf } from '../statistics';
import type { ScenarioContext } from '../timed-scenario';
import type { ReadCounts } from './messages';
import type { Measurement } from './scenario';
import { tailTogether } from './tail-group';

/** The least that may be set: a shard may be called five times a second. */
const idleTimeBetweenReadsMs = 200;
const settleShare = 1 / 10;

/** How late records come to the handler of a worker that reads as often as the shard lets it, and that is up to date. */
export async function measureLatency(context: ScenarioContext): Promise<readonly Measurement[]> {
  const { runs, progress } = context;
  const all: number[] = [];
  const counts: (readonly ReadCounts[])[] = [];
  for (let run = 1; run <= runs; run++) {
    const task = { applicationNames: [`latency-${run}`], idleTimeBetweenReadsMs, settleShare };
    for (const { latenciesMs, reads } of await tailTogether(task, context)) {
      all.push(...latenciesMs);
      counts.push([reads]);
      const { median, max } = spreadOf(latenciesMs);
      progress(
        `latency, run ${run}: ${latenciesMs.length} records, median ${median.toFixed(0)} ms, worst ${max.toFixed(0)} ms; ` +
          `${reads.answered} calls, ${reads.throttled} throttled`,
      );
    }
  }
  return [{ name: 'latency', runs, samples: { latenciesMs: all, reads: counts } }];
}
