import type { DeliveryTail } from './delivery-tail';
import type { Flight } from './flights';
import { holders, unfinishedBusiness, type LeaseView } from './lease-view';
import type { Producer } from './producer';
import type { Replay } from './replay';
import type { Resharding } from './resharding';
import { until } from './until';
import type { WorkerProcess, WorkerProcesses } from './worker-processes';

export interface Stage {
  readonly flights: readonly Flight[];
  readonly replay: Replay;
  readonly producer: Producer;
  readonly workers: WorkerProcesses;
  readonly leases: LeaseView;
  readonly resharding: Resharding;
  readonly deliveries: DeliveryTail;
  /** Tells whoever watches. */
  readonly happened: (what: string) => void;
  readonly signal: AbortSignal;
}

const firstWorkers = 3;
const replayMs = 20_000;
const startLimitMs = 30_000;
const stopLimitMs = 30_000;
const catchUpLimitMs = 60_000;
const pollMs = 100;

/** What happens, and after which share of the flights. */
const timeline: readonly { readonly at: number; readonly act: (stage: Stage) => Promise<void> }[] = [
  { at: 0.2, act: split },
  { at: 0.35, act: killOne },
  { at: 0.5, act: addOne },
  { at: 0.6, act: merge },
  { at: 0.75, act: stopOne },
];

/** Resolves when every flight was delivered and acknowledged and every worker has stopped. */
export async function play(stage: Stage): Promise<void> {
  const { replay, producer, workers, happened, signal } = stage;
  for (let count = 0; count < firstWorkers; count++) workers.start();
  happened(`${firstWorkers} workers start: ${workers.all.map(nameOf).join(', ')}`);
  await everyShardIsRead(stage);
  happened(`every shard has a worker: the replay of ${replay.total} flights starts`);
  await Promise.all([replay.run(producer, replayMs, signal), followTimeline(stage)]);
  happened('all flights are in the stream');
  await everythingIsAcknowledged(stage);
  happened('all flights are delivered and acknowledged: SIGTERM to every worker');
  const running = workers.all.filter(({ state }) => state === 'running');
  await Promise.all(running.map(({ pid }) => workers.stop(pid, stopLimitMs, signal)));
}

async function followTimeline(stage: Stage): Promise<void> {
  for (const { at, act } of timeline) {
    await stage.replay.reached(at);
    await act(stage);
  }
}

async function split({ flights, replay, resharding, happened, signal }: Stage): Promise<void> {
  const shardId = await resharding.split(flights.slice(replay.produced), signal);
  happened(`${shardId} is split in two`);
}

async function merge({ flights, replay, resharding, happened, signal }: Stage): Promise<void> {
  const [left, right] = await resharding.merge(flights.slice(replay.produced), signal);
  happened(`${left} and ${right} are merged`);
}

async function killOne(stage: Stage): Promise<void> {
  const worker = await stage.workers.kill(await someHolder(stage));
  stage.happened(`SIGKILL to worker ${nameOf(worker)} while it holds leases`);
}

async function stopOne(stage: Stage): Promise<void> {
  const pid = await someHolder(stage);
  stage.happened(`SIGTERM to worker ${nameOf(stage.workers.all.find((worker) => worker.pid === pid))}`);
  const worker = await stage.workers.stop(pid, stopLimitMs, stage.signal);
  stage.happened(`worker ${nameOf(worker)} has given up its leases and exited with code 0`);
}

async function addOne({ workers, happened }: Stage): Promise<void> {
  happened(`worker ${nameOf(workers.start())} joins`);
}

/** The running worker that holds the most leases now. */
async function someHolder({ leases, workers, signal }: Stage): Promise<number> {
  let found: number | undefined;
  await until({ limitMs: startLimitMs, everyMs: pollMs, signal }, async () => {
    const running = new Set(workers.all.filter(({ state }) => state === 'running').map(({ pid }) => pid));
    found = holders(await leases.read()).find((pid) => running.has(pid));
    return found === undefined ? 'no running worker holds a lease' : undefined;
  });
  return found ?? 0;
}

async function everyShardIsRead({ leases, signal }: Stage): Promise<void> {
  await until({ limitMs: startLimitMs, everyMs: pollMs, signal }, async () => {
    const idle = (await leases.read()).filter(({ ownerPid }) => ownerPid === undefined);
    return idle.length === 0 ? undefined : `nobody holds the lease of ${idle.map(({ shardId }) => shardId).join(', ')}`;
  });
}

async function everythingIsAcknowledged({ deliveries, leases, replay, signal }: Stage): Promise<void> {
  await until({ limitMs: catchUpLimitMs, everyMs: pollMs, signal }, async () => {
    const open = (await leases.read()).map(unfinishedBusiness).filter((business) => business !== undefined);
    const undelivered = replay.total - deliveries.distinctCount;
    if (undelivered > 0) open.unshift(`${undelivered} flights are not delivered`);
    return open.length === 0 ? undefined : open.join(', ');
  });
}

function nameOf(worker: WorkerProcess | undefined): string {
  return worker === undefined ? '?' : `${worker.name} (${worker.pid})`;
}
