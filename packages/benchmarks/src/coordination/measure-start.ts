import { measureBareWrites } from './bare-writes';
import { Fleet } from './fleet';
import { idleTimeOfManyShardsMs } from './many-shards';
import { NumberedStream } from './numbered-stream';
import type { Samples, ScenarioContext } from './scenario';

interface Start {
  readonly balancedMs: number;
  readonly createsPerLease: number;
  readonly claimsPerLease: number;
}

/**
 * An application without a lease table is started by all its workers at once. From when the last has registered until all
 * leases are held, evenly.
 *
 * Beside each start, in turns before and after it, stands a bare loop with the same writes. Both are done by processes that have
 * loaded their modules but have made no more than a few calls; the server has been warmed up before.
 */
export async function measureStart(context: ScenarioContext, name: string): Promise<Samples> {
  const { kinesis, shards, runs, signal, progress } = context;
  const stream = await NumberedStream.create(kinesis, name, shards, signal);
  const bare = (run: number): Promise<number> =>
    measureBareWrites({ ...context, tableName: `${name}-bare-${run}`, processes: context.workers, leases: shards });
  await bare(0);
  const starts: Start[] = [];
  const bareMs: number[] = [];
  for (let run = 1; run <= runs; run++) {
    const isBareFirst = run % 2 === 1;
    if (isBareFirst) bareMs.push(await bare(run));
    const start = await startOnce(context, stream, `${name}-${run}`);
    starts.push(start);
    if (!isBareFirst) bareMs.push(await bare(run));
    progress(
      `${name}, run ${run}: ${shards} leases in ${Math.round(start.balancedMs)} ms; ` +
        `bare writes ${Math.round(bareMs.at(-1) ?? NaN)} ms`,
    );
  }
  await stream.delete();
  return {
    balancedMs: starts.map(({ balancedMs }) => balancedMs),
    ratios: starts.map(({ balancedMs }, run) => balancedMs / (bareMs[run] ?? NaN)),
    createsPerLease: starts.map(({ createsPerLease }) => createsPerLease),
    claimsPerLease: starts.map(({ claimsPerLease }) => claimsPerLease),
  };
}

async function startOnce(
  { aws, workers, shards, signal }: ScenarioContext,
  stream: NumberedStream,
  applicationName: string,
): Promise<Start> {
  const fleet = new Fleet({
    aws,
    stream,
    applicationName,
    idleTimeBetweenReadsMs: idleTimeOfManyShardsMs,
    signal,
  });
  try {
    const members = await fleet.prepare(workers);
    const registeredAtMs = await fleet.go(members);
    const evenAtMs = await fleet.untilEven();
    const { creates, claims } = fleet.attempts;
    return {
      // Others may have done it before the last one came, if it was not to have any.
      balancedMs: Math.max(0, evenAtMs - registeredAtMs),
      createsPerLease: creates / shards,
      claimsPerLease: claims / shards,
    };
  } finally {
    await fleet.close();
  }
}
