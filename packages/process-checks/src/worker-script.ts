import { inspect } from 'node:util';
import { stopOnSignals, Worker } from 'millrace';
import { CheckedProcessor } from './checked-processor';
import { settingsFromParent, type WorkerMessage, type WorkerSettings } from './messages';

/** A connection that was cut needs some turns of the event loop. */
const closingMs = 250;

/**
 * A worker in a process of its own, that says all that happens and ends by itself: `process.exit` would hide what is left
 * open. It is stopped by a signal, as users' are.
 */
async function main({ life, ...settings }: WorkerSettings): Promise<void> {
  const atFirst = process.getActiveResourcesInfo();
  const access = { region: 'us-east-1', credentials: { accessKeyId: life.name, secretAccessKey: 'check' } };
  const worker = new Worker({
    applicationName: settings.applicationName,
    streamName: settings.streamName,
    workerId: life.name,
    kinesis: { ...access, endpoint: settings.kinesisEndpoint },
    dynamodb: { ...access, endpoint: settings.dynamodbEndpoint },
    checkpointing: life.checkpointing,
    // What a first start that was cut short has not created comes up within seconds.
    leases: { failoverTimeMs: 5_000 },
    auditIntervalMs: 5_000,
    processorFactory: () => new CheckedProcessor(life, say),
  });
  worker
    .on('workerStarted', () => say({ kind: 'started' }))
    .on('leaseTaken', ({ shardId, fencingToken: token }) => say({ kind: 'taken', shardId, token }))
    .on('leaseLost', ({ shardId }) => say({ kind: 'lost', shardId }))
    .on('workerStopped', ({ unfinishedShardIds, unfinished }) =>
      say({ kind: 'stopped', result: { unfinishedShardIds, unfinished } }),
    );
  stopOnSignals(worker, { timeoutMs: settings.stopTimeoutMs, inFlight: life.inFlight });
  say({ kind: 'ready' });
  await worker.run();
  say({ kind: 'settled', open: await leftOpen(atFirst) });
}

/** Without what is only being closed. */
async function leftOpen(atFirst: readonly string[]): Promise<readonly string[]> {
  await sent();
  const beganAtMs = performance.now();
  for (;;) {
    // Keeps the process alive itself, but is over when it is looked.
    await new Promise((resolve) => setImmediate(resolve));
    const open = without(process.getActiveResourcesInfo(), atFirst);
    if (open.length === 0 || performance.now() - beganAtMs > closingMs) return open;
  }
}

function say(message: WorkerMessage): void {
  // Whether the parent is gone is seen to below.
  process.send?.(message, undefined, undefined, () => undefined);
}

/** Messages leave in their order. */
function sent(): Promise<void> {
  const nothing: WorkerMessage = { kind: 'sent' };
  return new Promise((resolve) => process.send?.(nothing, undefined, undefined, () => resolve()));
}

/** Each of `some` takes one of the same name away. */
function without(all: readonly string[], some: readonly string[]): readonly string[] {
  const rest = [...some];
  return all.filter((name) => {
    const index = rest.indexOf(name);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}

process.once('disconnect', () => process.exit(1));
// Listening to it must not keep a worker alive that is done.
process.channel?.unref();
main(settingsFromParent() as WorkerSettings).catch((error: unknown) => {
  process.stderr.write(`${inspect(error)}\n`);
  process.exitCode = 1;
});
