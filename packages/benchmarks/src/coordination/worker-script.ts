import { Worker } from 'millrace';
import { endWithParent, failParent } from '../server-side';
import { accessTo } from './clients';
import { countAttempts } from './count-attempts';
import { settingsFromParent, type Loaded, type Observation, type WorkerSettings } from './messages';
import { sharedNowMs } from './shared-time';
import { WorkerReporter } from './worker-reporter';

/** A worker in a process of its own: begins when it is told to, reports what happens, stops cleanly on SIGTERM. */
function main(settings: WorkerSettings): void {
  const { failoverTimeMs, idleTimeBetweenReadsMs } = settings;
  const reporter = new WorkerReporter(countAttempts());
  const worker = new Worker({
    applicationName: settings.applicationName,
    streamName: settings.streamName,
    workerId: settings.name,
    kinesis: accessTo(settings.kinesisEndpoint),
    dynamodb: accessTo(settings.dynamodbEndpoint),
    checkpointing: 'automatic',
    leases: { failoverTimeMs },
    ...(idleTimeBetweenReadsMs !== undefined && { fetch: { idleTimeBetweenReadsMs } }),
    processorFactory: ({ shardId }) => ({
      processRecords: ({ records }) =>
        reporter.noteNow({
          what: 'delivered',
          atMs: sharedNowMs(),
          shardId,
          numbers: records.map(({ data }) => Number(Buffer.from(data).toString())),
        }),
    }),
  });
  observe(worker, (observation) => reporter.note(observation));
  process.on('SIGTERM', () => void worker.stop());
  process.once('message', () => {
    reporter.note({ what: 'called', atMs: sharedNowMs() });
    worker
      .run()
      .then(() => reporter.flush())
      .then(() => process.disconnect())
      .catch(failParent);
  });
  const loaded: Loaded = { kind: 'loaded' };
  process.send?.(loaded);
}

function observe(worker: Worker, note: (observation: Observation) => void): void {
  const gaveUp = ({ shardId }: { readonly shardId: string }): void =>
    note({ what: 'gave-up', atMs: sharedNowMs(), shardId });
  worker
    .on('workerStarted', () => note({ what: 'registered', atMs: sharedNowMs() }))
    .on('leaseTaken', ({ shardId }) => note({ what: 'acquired', atMs: sharedNowMs(), shardId }))
    .on('leaseLost', gaveUp)
    .on('leaseReleased', gaveUp)
    .on('leaseHandedOver', gaveUp);
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
main(settingsFromParent() as WorkerSettings);
