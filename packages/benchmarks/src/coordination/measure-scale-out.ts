import { Fleet } from './fleet';
import { acquisitionsOf } from './lease-log';
import { idleTimeOfManyShardsMs } from './many-shards';
import { NumberedStream } from './numbered-stream';
import type { Samples, ScenarioContext } from './scenario';

interface ScaleOut {
  readonly balancedMs: number;
  readonly moves: readonly number[];
  readonly duplicates: number;
  readonly missing: number;
}

/**
 * One worker holds all leases; all the others are released together. From when the last of them has registered until even.
 * Moves are counted for the leases that moved. Each shard has a record from the beginning on, gets one at the release and one
 * afterwards, so that it is seen if records come twice.
 */
export async function measureScaleOut(context: ScenarioContext): Promise<Samples> {
  const results: ScaleOut[] = [];
  for (let run = 1; run <= context.runs; run++) {
    const result = await scaleOutOnce(context, `scale-out-${run}`);
    results.push(result);
    const { balancedMs, moves, duplicates } = result;
    context.progress(
      `scale-out, run ${run}: even after ${Math.round(balancedMs)} ms, ` +
        `${moves.length} leases moved, ${duplicates} duplicates`,
    );
  }
  return {
    balancedMs: results.map(({ balancedMs }) => balancedMs),
    moves: results.flatMap(({ moves }) => moves),
    duplicates: results.reduce((sum, { duplicates }) => sum + duplicates, 0),
    missing: results.reduce((sum, { missing }) => sum + missing, 0),
  };
}

async function scaleOutOnce(
  { aws, kinesis, workers, shards, signal }: ScenarioContext,
  name: string,
): Promise<ScaleOut> {
  const stream = await NumberedStream.create(kinesis, name, shards, signal);
  const fleet = new Fleet({
    aws,
    stream,
    applicationName: name,
    idleTimeBetweenReadsMs: idleTimeOfManyShardsMs,
    signal,
  });
  try {
    await stream.putRound();
    await fleet.go(await fleet.prepare(1));
    await fleet.untilEven();
    await fleet.until('up to date', () => fleet.deliveries.account(stream.produced).missing === 0);
    const newcomers = await fleet.prepare(workers - 1);
    const putting = stream.putRound().catch((error: unknown) => fleet.fail(error));
    const registeredAtMs = await fleet.go(newcomers);
    const calledAtMs = Math.min(...newcomers.map((member) => member.calledAtMs ?? Infinity));
    const evenAtMs = await fleet.untilEven();
    await putting;
    await stream.putRound();
    const { duplicates, missing } = await fleet.drain();
    return {
      balancedMs: Math.max(0, evenAtMs - registeredAtMs),
      moves: [...acquisitionsOf(fleet.leases.events, calledAtMs).values()],
      duplicates,
      missing,
    };
  } finally {
    await fleet.close();
    if (!signal.aborted) await stream.delete();
  }
}
