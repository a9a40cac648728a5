import type { Shard } from '@aws-sdk/client-kinesis';
import type { Bench } from '../bench';
import { given, same, outcomeOf } from '../expectations';

export const hourMs = 3_600_000;
export const minuteMs = 60_000;
export const mebibyte = 1024 * 1024;
export const kibibyte = 1024;

/** A stream whose first shard got these records and was then split. */
export async function streamWithClosedShard(
  bench: Bench,
  texts: readonly string[],
): Promise<{ readonly name: string; readonly closed: Shard; readonly numbers: readonly string[] }> {
  const name = await bench.stream();
  const shard = await bench.shard(name);
  const numbers: string[] = [];
  for (const text of texts) {
    numbers.push(given((await bench.put(name, text)).SequenceNumber, 'SequenceNumber'));
    await bench.rest(20);
  }
  await bench.split(name, shard);
  return { name, closed: await bench.shard(name), numbers };
}

/** Far more calls at once than a rate allows: some must be refused, by this name, and some accepted. */
export async function exceedsRate(
  call: () => Promise<unknown>,
  { perSecond, name }: { readonly perSecond: number; readonly name: string },
): Promise<void> {
  const outcomes = await Promise.all(Array.from({ length: perSecond * 4 }, () => outcomeOf(call())));
  same('the outcomes', [...new Set(outcomes)].sort(), [name, 'accepted'].sort());
}

/** Data of so many bytes. */
export function bytes(length: number): Uint8Array {
  return Buffer.alloc(length, 'k');
}

/** Twelve streams, for operations that a stream takes only once at a time. */
export async function streamsForRates(bench: Bench, shardCount: number): Promise<readonly string[]> {
  const names: string[] = [];
  for (let group = 0; group < 4; group++) {
    const made = await Promise.all([1, 2, 3].map(() => bench.creating({ ShardCount: shardCount })));
    for (const name of made) await bench.untilActive(name);
    names.push(...made);
  }
  await bench.rest(1100);
  return names;
}
