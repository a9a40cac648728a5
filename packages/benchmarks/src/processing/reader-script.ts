import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'millrace';
import { accessTo } from '../coordination/clients';
import { settingsFromParent } from '../coordination/messages';
import { endWithParent, failParent } from '../server-side';
import { bareLoop } from './bare-loop';
import { failOn } from './fail-on';
import type { ReaderMessage, ReaderSettings } from './messages';
import { measureUsage } from './process-usage';
import { sumOf } from './sum-of';

const pollMs = 20;

/** Everything that the handlers of this process have been given. */
const read = { records: 0, bytes: 0, sum: 0, shardIds: new Set<string>() };

function lookAt(data: Uint8Array): void {
  read.sum = (read.sum + sumOf(data)) % 1_000_003;
  read.bytes += data.length;
}

/** Reads all shards until it is warm, measures for a while, and says what that cost. */
async function main(settings: ReaderSettings): Promise<void> {
  const { reader, shards, warmUpMs, measuredMs, dataBytes } = settings;
  (reader === 'bare' ? readBare(settings) : readByWorker(settings)).catch(failParent);
  // A worker opens its shards one after another.
  while (read.shardIds.size < shards) await sleep(pollMs);
  await sleep(warmUpMs);
  send({ kind: 'begun' });
  const recordsBefore = read.records;
  const usage = measureUsage();
  await sleep(measuredMs);
  const { seconds, cpuMs, busyShare } = usage();
  const records = read.records - recordsBefore;
  if (records === 0) throw new Error('nothing was read');
  const bytesEach = read.bytes / read.records;
  const isAsExpected = reader === 'bare' ? bytesEach >= dataBytes : bytesEach === dataBytes;
  if (!isAsExpected || read.sum === 0) throw new Error(`records of ${bytesEach} bytes`);
  send({ kind: 'done', cost: { records, seconds, cpuMs }, busyShare }, () => process.exit(0));
}

function send(message: ReaderMessage, done?: () => void): void {
  process.send?.(message, undefined, undefined, done);
}

/** Does not open aggregates, and counts for each what is in it. */
async function readBare(settings: ReaderSettings): Promise<void> {
  await bareLoop(settings, (shardId, all) => {
    for (const data of all) lookAt(data);
    read.records += all.length * settings.userRecordsPerRecord;
    read.shardIds.add(shardId);
  });
}

async function readByWorker(settings: ReaderSettings): Promise<void> {
  const { applicationName, streamName, kinesisEndpoint, dynamodbEndpoint, reader, leases } = settings;
  const worker = new Worker({
    applicationName,
    streamName,
    kinesis: accessTo(kinesisEndpoint),
    dynamodb: accessTo(dynamodbEndpoint),
    awsCalls: reader === 'direct' ? 'direct' : 'sdk',
    checkpointing: 'automatic',
    leases,
    processorFactory: ({ shardId }) => ({
      processRecords: ({ records }) => {
        for (const { data } of records) lookAt(data);
        read.records += records.length;
        read.shardIds.add(shardId);
      },
    }),
  });
  failOn(worker, failParent);
  worker
    .on('eventLoopBlocked', ({ blockedMs }) => failParent(new Error(`the thread stood still for ${blockedMs} ms`)))
    .on('readThrottled', () => failParent(new Error('a read was throttled')));
  await worker.run();
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
main(settingsFromParent() as ReaderSettings).catch(failParent);
