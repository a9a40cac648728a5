import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'millrace';
import { accessTo } from '../coordination/clients';
import { settingsFromParent } from '../coordination/messages';
import { sharedNowMs } from '../coordination/shared-time';
import { endWithParent, failParent } from '../server-side';
import { countReads } from './count-reads';
import { failOn } from './fail-on';
import type { ReadCounts, Stamp, TailMessage, TailSettings } from './messages';

const pollMs = 20;

/** A worker at the tip of a stream. Counts its calls between `go` and SIGTERM, and measures how late records come. */
async function main(settings: TailSettings): Promise<void> {
  const reads = countReads();
  const latenciesMs: number[] = [];
  let hasLast = false;
  let before: ReadCounts = { answered: 0, throttled: 0 };
  let counted: ReadCounts | undefined;
  const sendIfDone = (): void => {
    if (hasLast && counted !== undefined) {
      send({ kind: 'tailed', latenciesMs, reads: counted }, () => process.exit(0));
    }
  };
  const worker = workerOf(settings, ({ putAtMs, kind }) => {
    if (kind === 'counted') latenciesMs.push(sharedNowMs() - putAtMs);
    if (kind !== 'last') return;
    hasLast = true;
    sendIfDone();
  });
  failOn(worker, failParent);
  worker.run().catch(failParent);
  process.once('message', () => (before = reads()));
  process.once('SIGTERM', () => {
    const { answered, throttled } = reads();
    counted = { answered: answered - before.answered, throttled: throttled - before.throttled };
    sendIfDone();
  });
  const isTailing = (): boolean => {
    const opened = worker.snapshot().shards.filter(({ millisBehindLatest }) => millisBehindLatest !== undefined);
    return opened.length === settings.shards;
  };
  while (!isTailing()) await sleep(pollMs);
  send({ kind: 'tailing' });
}

function workerOf(
  { applicationName, streamName, kinesisEndpoint, dynamodbEndpoint, idleTimeBetweenReadsMs }: TailSettings,
  got: (stamp: Stamp) => void,
): Worker {
  return new Worker({
    applicationName,
    streamName,
    kinesis: accessTo(kinesisEndpoint),
    dynamodb: accessTo(dynamodbEndpoint),
    checkpointing: 'automatic',
    ...(idleTimeBetweenReadsMs !== undefined && { fetch: { idleTimeBetweenReadsMs } }),
    processorFactory: () => ({
      processRecords: ({ records }) => {
        for (const { data } of records) got(JSON.parse(Buffer.from(data).toString()) as Stamp);
      },
    }),
  });
}

function send(message: TailMessage, done?: () => void): void {
  process.send?.(message, undefined, undefined, done);
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
main(settingsFromParent() as TailSettings).catch(failParent);
