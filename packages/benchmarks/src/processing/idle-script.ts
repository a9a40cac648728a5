import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'millrace';
import { accessTo } from '../coordination/clients';
import { idleTimeOfManyShardsMs } from '../coordination/many-shards';
import { settingsFromParent } from '../coordination/messages';
import { endWithParent, failParent } from '../server-side';
import { failOn } from './fail-on';
import type { IdleMessage, IdleSettings } from './messages';

const pollMs = 200;

/** A worker that holds all shards and finds nothing in any of them; says how much memory the process has meanwhile. */
async function main(settings: IdleSettings): Promise<void> {
  const { shards, measuredMs } = settings;
  const worker = workerOf(settings);
  failOn(worker, failParent);
  worker.run().catch(failParent);
  let opened = 0;
  // Each has been read once when it knows how far behind it is.
  while (opened < shards) {
    await sleep(pollMs);
    const now = worker.snapshot().shards.filter(({ millisBehindLatest }) => millisBehindLatest !== undefined).length;
    if (now !== opened) send({ kind: 'opened', shards: now });
    opened = now;
  }
  let rssBytes = 0;
  const endAtMs = performance.now() + measuredMs;
  while (performance.now() < endAtMs) {
    rssBytes = Math.max(rssBytes, process.memoryUsage.rss());
    await sleep(pollMs);
  }
  send({ kind: 'measured', rssBytes }, () => process.exit(0));
}

function workerOf({ applicationName, streamName, kinesisEndpoint, dynamodbEndpoint }: IdleSettings): Worker {
  return new Worker({
    applicationName,
    streamName,
    kinesis: accessTo(kinesisEndpoint),
    dynamodb: accessTo(dynamodbEndpoint),
    checkpointing: 'automatic',
    fetch: { idleTimeBetweenReadsMs: idleTimeOfManyShardsMs },
    processorFactory: () => ({
      processRecords: () => {
        throw new Error('a record came');
      },
    }),
  });
}

function send(message: IdleMessage, done?: () => void): void {
  process.send?.(message, undefined, undefined, done);
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
main(settingsFromParent() as IdleSettings).catch(failParent);
