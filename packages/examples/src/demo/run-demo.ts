import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { KinesisEngine } from '@millrace/local';
import { TotalsTable, type AirportTotals } from '../flight-delays/totals-table';
import { DeliveryTail } from './delivery-tail';
import { readFlights, sliceIntoUnits } from './flights';
import { LeaseView } from './lease-view';
import { Producer, putRecordsTo } from './producer';
import { Replay } from './replay';
import { Resharding } from './resharding';
import { play, type Stage } from './script';
import type { View } from './terminal-view';
import { judge, type Verdict } from './verdict';
import type { WorkerProcesses } from './worker-processes';

export interface DemoParts {
  readonly streamName: string;
  readonly applicationName: string;
  readonly engine: KinesisEngine;
  readonly kinesis: KinesisClient;
  readonly dynamodb: DynamoDBClient;
  readonly workers: WorkerProcesses;
  readonly view: View;
}

export interface Outcome {
  /** What cut the demo short. */
  readonly failure: Error | undefined;
  readonly verdict: Verdict;
  readonly totals: readonly AirportTotals[];
}

/** Flights in a slice: 200 ms of the replay. */
const sliceLength = 200;
const lookEveryMs = 250;

/** Runs the whole demo, shows it, and judges what came out. `ending` cuts it short, and is aborted at its end. */
export async function runDemo(parts: DemoParts, ending: AbortController): Promise<Outcome> {
  const { streamName, applicationName, engine, kinesis, workers, view } = parts;
  const dynamodb = DynamoDBDocumentClient.from(parts.dynamodb);
  const flights = readFlights();
  const stage: Stage = {
    flights,
    replay: new Replay(sliceIntoUnits(flights, sliceLength)),
    producer: new Producer({ send: putRecordsTo(kinesis, streamName) }),
    workers,
    leases: new LeaseView(engine, streamName, dynamodb, applicationName),
    resharding: new Resharding(kinesis, streamName),
    deliveries: new DeliveryTail(),
    happened: (what) => view.happened(secondsNow(), what),
    signal: ending.signal,
  };
  const failure = await Promise.race([play(stage), workers.failure, keepShowing(stage, view)]).then(
    () => undefined,
    (error: unknown) => asError(ending.signal.aborted ? ending.signal.reason : error),
  );
  ending.abort();
  await show(stage, view).catch(() => undefined);

  const totals = await new TotalsTable(dynamodb, `${applicationName}-totals`).all().catch(() => []);
  const verdict = judge({
    flights,
    produced: stage.replay.produced,
    deliveries: stage.deliveries.deliveries,
    totals,
    shards: engine.inspect(streamName),
    workers: workers.all,
  });
  return { failure, verdict: { ...verdict, ok: verdict.ok && failure === undefined }, totals };
}

async function keepShowing(stage: Stage, view: View): Promise<never> {
  while (true) {
    await show(stage, view);
    await sleep(lookEveryMs, undefined, { signal: stage.signal });
  }
}

async function show({ deliveries, leases, replay, workers }: Stage, view: View): Promise<void> {
  const shards = await leases.read();
  for (const { name, deliveryLog } of workers.all) deliveries.read(name, deliveryLog);
  view.show({
    seconds: secondsNow(),
    produced: replay.produced,
    total: replay.total,
    delivered: deliveries.distinctCount,
    duplicates: deliveries.deliveries.length - deliveries.distinctCount,
    shards: shards.map((shard) => ({ ...shard, flights: deliveries.distinctFrom(shard.shardId) })),
    workers: workers.all,
  });
}

/** Since this process started. */
function secondsNow(): number {
  return performance.now() / 1000;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
