import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'millrace';
import { accessTo } from '../coordination/clients';
import { settingsFromParent } from '../coordination/messages';
import { endWithParent, failParent } from '../server-side';
import { bareLoop } from './bare-loop';
import { failOn } from './fail-on';
import type { IdleMessage, IdleSettings } from './messages';
import { measureUsage } from './process-usage';

const pollMs = 200;

/** Reads all shards and finds nothing in any of them; says how much memory the process has meanwhile, and what it uses. */
async function main(settings: IdleSettings): Promise<void> {
  const { reader, shards, warmUpMs, measuredMs } = settings;
  const countOpened = reader === 'bare' ? readBare(settings) : readByWorker(settings);
  let opened = 0;
  while (opened < shards) {
    await sleep(pollMs);
    const now = countOpened();
    if (now !== opened) send({ kind: 'opened', shards: now });
    opened = now;
  }
  const warmRssBytes = await mostRssBytes(warmUpMs);
  send({ kind: 'begun' });
  const usage = measureUsage();
  const rssBytes = Math.max(warmRssBytes, await mostRssBytes(measuredMs));
  send({ kind: 'measured', rssBytes, usage: usage() }, () => process.exit(0));
}

/** The most that there is at any moment until so much time has passed. */
async function mostRssBytes(forMs: number): Promise<number> {
  let most = 0;
  for (const endAtMs = performance.now() + forMs; performance.now() < endAtMs;) {
    most = Math.max(most, process.memoryUsage.rss());
    await sleep(Math.min(pollMs, Math.max(0, endAtMs - performance.now())));
  }
  return most;
}

/** Returns what says how many shards have been read once. */
function readBare(settings: IdleSettings): () => number {
  const opened = new Set<string>();
  bareLoop(settings, (shardId, data) => {
    if (data.length > 0) throw new Error('a record came');
    opened.add(shardId);
  }).catch(failParent);
  return () => opened.size;
}

/** Likewise. */
function readByWorker(settings: IdleSettings): () => number {
  const worker = workerOf(settings);
  failOn(worker, failParent);
  worker.run().catch(failParent);
  // Each has been read once when it knows how far behind it is.
  return () => worker.snapshot().shards.filter(({ millisBehindLatest }) => millisBehindLatest !== undefined).length;
}

function workerOf(settings: IdleSettings): Worker {
  const { applicationName, streamName, kinesisEndpoint, dynamodbEndpoint } = settings;
  const { reader, idleTimeBetweenReadsMs, leases } = settings;
  return new Worker({
    applicationName,
    streamName,
    kinesis: accessTo(kinesisEndpoint),
    dynamodb: accessTo(dynamodbEndpoint),
    awsCalls: reader === 'direct' ? 'direct' : 'sdk',
    checkpointing: 'automatic',
    ...(idleTimeBetweenReadsMs !== undefined && { fetch: { idleTimeBetweenReadsMs } }),
    ...(leases !== undefined && { leases }),
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
