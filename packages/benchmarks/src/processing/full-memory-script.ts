import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'millrace';
import { accessTo } from '../coordination/clients';
import { settingsFromParent } from '../coordination/messages';
import { endWithParent, failParent } from '../server-side';
import { failOn } from './fail-on';
import type { FullMemoryDone, FullMemorySettings } from './messages';

const pollMs = 100;
/** A reader asks for the whole of 10 MB once it could have read as much, and did not. */
const firstBatchMs = 6_000;
/** The budget is used up if shards have waited for it for so long: not for calls that are under way. */
const fullForMs = 2_000;
/** Afterwards all that was held up comes at once. */
const afterwardsShare = 1 / 6;
/** No call is to count as one that hangs. */
const stallTimeoutMs = 600_000;

/** A worker whose handlers all wait until the budget is used up, and for a while from then on; says how much memory the process had. */
async function main(settings: FullMemorySettings): Promise<void> {
  const { measuredMs } = settings;
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  let batches = 0;
  const begun = new Set<string>();
  const worker = workerOf(settings, async (shardId) => {
    batches++;
    if (begun.has(shardId)) {
      await opened;
      return;
    }
    begun.add(shardId);
    await sleep(firstBatchMs);
  });
  failOn(worker, failParent);
  worker.run().catch(failParent);
  const isFull = (): boolean => worker.snapshot().memory.waitingShards > 0;
  for (let sinceMs = performance.now(); performance.now() - sinceMs < fullForMs;) {
    await sleep(pollMs);
    if (!isFull()) sinceMs = performance.now();
  }
  const endAtMs = performance.now() + measuredMs;
  let leastUsed = Infinity;
  let leastWaiting = Infinity;
  let sampled = 0;
  while (performance.now() < endAtMs) {
    const { usedBytes, waitingShards } = worker.snapshot().memory;
    leastUsed = Math.min(leastUsed, usedBytes);
    leastWaiting = Math.min(leastWaiting, waitingShards);
    sampled = Math.max(sampled, process.memoryUsage.rss());
    await sleep(pollMs);
  }
  const blockedRssBytes = sampled;
  const blockedPeakBytes = process.resourceUsage().maxRSS * 1_024;
  const before = batches;
  open();
  await sleep(measuredMs * afterwardsShare);
  send({
    kind: 'measured',
    rssBytes: process.resourceUsage().maxRSS * 1_024,
    ...{
      blockedRssBytes,
      blockedPeakBytes,
      usedBytes: leastUsed,
      waitingShards: leastWaiting,
      batches: [before, batches - before],
    },
  });
}

function workerOf(
  { applicationName, streamName, kinesisEndpoint, dynamodbEndpoint, awsCalls, budgetBytes }: FullMemorySettings,
  processRecords: (shardId: string) => Promise<void>,
): Worker {
  return new Worker({
    applicationName,
    streamName,
    kinesis: accessTo(kinesisEndpoint),
    dynamodb: accessTo(dynamodbEndpoint),
    checkpointing: 'automatic',
    ...{ awsCalls, stallTimeoutMs, memory: { budgetBytes } },
    processorFactory: ({ shardId }) => ({ processRecords: () => processRecords(shardId) }),
  });
}

function send(message: FullMemoryDone): void {
  process.send?.(message, undefined, undefined, () => process.exit(0));
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
main(settingsFromParent() as FullMemorySettings).catch(failParent);
