import type { Account } from './delivery-log';
import { Fleet } from './fleet';
import { NumberedStream } from './numbered-stream';
import type { ScenarioContext } from './scenario';

/** One record for each shard in each. Much shorter than what is measured. */
const producePeriodMs = 100;

export interface Busy<T> {
  readonly changes: T;
  readonly account: Account;
  /** It has ended; what it has reported is still there. */
  readonly fleet: Fleet;
}

/**
 * A fleet that reads a stream which never rests, and in which something changes. All runs share one, so that what was
 * delivered twice, or never, is counted over all of them. Idle reads are as frequent as by default: each shard once a second.
 *
 * @param workers how many there are at the beginning
 * @param change makes the changes, and measures
 */
export async function withBusyFleet<T>(
  { aws, kinesis, shards, signal }: ScenarioContext,
  name: string,
  workers: number,
  change: (fleet: Fleet) => Promise<T>,
): Promise<Busy<T>> {
  const stream = await NumberedStream.create(kinesis, name, shards, signal);
  const fleet = new Fleet({ aws, stream, applicationName: name, signal });
  try {
    await fleet.go(await fleet.prepare(workers));
    await fleet.untilEven();
    stream.startProducing(producePeriodMs, (error) => fleet.fail(error));
    await fleet.until('reading all shards', () => fleet.deliveries.waitsMs(stream.shardIds, '', 0).every(isKnown));
    const changes = await change(fleet);
    return { changes, account: await fleet.drain(), fleet };
  } finally {
    await fleet.close();
    await stream.stopProducing();
    if (!signal.aborted) await stream.delete();
  }
}

export function isKnown(ms: number | undefined): ms is number {
  return ms !== undefined;
}
