import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'millrace';
import { accessTo } from '../coordination/clients';
import { settingsFromParent } from '../coordination/messages';
import { endWithParent, failParent } from '../server-side';
import { failOn } from './fail-on';
import type { FullMemoryDone, FullMemorySettings } from './messages';

const pollMs = 100;
/** What is left of the budget then is too little for another batch. */
const fullShare = 0.8;
/** Afterwards all that was held up comes at once. */
const afterwardsShare = 1 / 6;
/** No call is to count as one that hangs. */
const stallTimeoutMs = 600_000;

/** A worker whose handlers all wait until the budget is used up, and for a while from then on; says how much memory the process had. */
async function main(settings: FullMemorySettings): Promise<void> {
  const { measuredMs, budgetBytes } = settings;
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  let batches = 0;
  const worker = workerOf(settings, () => {
    batches++;
    return opened;
  });
  failOn(worker, failParent);
  worker.run().catch(failParent);
  const isFull = (): boolean => {
    const { usedBytes, waitingShards } = worker.snapshot().memory;
    return usedBytes >= budgetBytes * fullShare && waitingShards > 0;
  };
  while (!isFull()) await sleep(pollMs);
  const endAtMs = performance.now() + measuredMs;
  let leastUsed = Infinity;
  let sampled = 0;
  while (performance.now() < endAtMs) {
    leastUsed = Math.min(leastUsed, worker.snapshot().memory.usedBytes);
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
    ...{ blockedRssBytes, blockedPeakBytes, usedBytes: leastUsed, batches: [before, batches - before] },
  });
}

function workerOf(
  { applicationName, streamName, kinesisEndpoint, dynamodbEndpoint, awsCalls, budgetBytes }: FullMemorySettings,
  processRecords: () => Promise<void>,
): Worker {
  return new Worker({
    applicationName,
    streamName,
    kinesis: accessTo(kinesisEndpoint),
    dynamodb: accessTo(dynamodbEndpoint),
    checkpointing: 'automatic',
    ...{ awsCalls, stallTimeoutMs, memory: { budgetBytes } },
    processorFactory: () => ({ processRecords }),
  });
}

function send(message: FullMemoryDone): void {
  process.send?.(message, undefined, undefined, () => process.exit(0));
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
main(settingsFromParent() as FullMemorySettings).catch(failParent);
