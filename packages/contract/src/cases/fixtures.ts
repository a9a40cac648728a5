import type { Shard } from '@aws-sdk/client-kinesis';
import type { CaseContext } from '../case-context';
import { given, inUse, same, outcomeOf, overLimit } from '../expectations';

export const hourMs = 3_600_000;
export const minuteMs = 60_000;
export const mebibyte = 1024 * 1024;
export const kibibyte = 1024;

/** By the ids that AWS has given so far, for calls that are refused before a shard is looked for. */
export const likelyShardId = 'shardId-000000000000';
export const likelySecondShardId = 'shardId-000000000001';
/** Of no stream that a case makes. */
export const unknownShardId = 'shardId-000000009999';

/** A stream whose first shard got these records and was then split. */
export async function streamWithClosedShard(
  context: CaseContext,
  texts: readonly string[],
): Promise<{ readonly name: string; readonly closed: Shard; readonly numbers: readonly string[] }> {
  const name = await context.stream();
  const shard = await context.shard(name);
  const numbers: string[] = [];
  for (const text of texts) {
    numbers.push(given((await context.put(name, text)).SequenceNumber, 'SequenceNumber'));
    await context.rest(20);
  }
  await context.split(name, shard);
  return { name, closed: await context.shard(name), numbers };
}

interface Rate {
  readonly perSecond: number;
  /** The error by which it shows. */
  readonly name: string;
  /** Errors that such calls may meet as well. Default: none. */
  readonly besides?: readonly string[];
}

/** Far more calls at once than a rate allows: some must be refused, by this name, and some accepted. */
export async function exceedsRate(
  call: (index: number) => Promise<unknown>,
  { perSecond, name, besides = [] }: Rate,
): Promise<void> {
  const outcomes = await Promise.all(Array.from({ length: perSecond * 4 }, (_, index) => outcomeOf(call(index))));
  const telling = outcomes.filter((outcome) => !besides.includes(outcome));
  same('the outcomes', [...new Set(telling)].sort(), [name, 'accepted'].sort());
}

/** Data of so many bytes. */
export function bytes(length: number): Uint8Array {
  return Buffer.alloc(length, 'k');
}

/**
 * Exceeds a rate of an operation that a stream takes only once at a time: on twelve streams with their shards, and from the
 * thirteenth call on on one that is UPDATING.
 */
export async function exceedsRateOfChanges(
  context: CaseContext,
  { shardCount, perSecond }: { readonly shardCount: number; readonly perSecond: number },
  call: (name: string, shards: readonly Shard[]) => Promise<unknown>,
): Promise<void> {
  const names: string[] = [];
  for (let group = 0; group < 4; group++) {
    const made = await Promise.all([1, 2, 3].map(() => context.creating({ ShardCount: shardCount })));
    for (const name of made) await context.untilActive(name);
    names.push(...made);
  }
  const streams: { readonly name: string; readonly shards: readonly Shard[] }[] = [];
  for (const name of names) streams.push({ name, shards: await context.shards(name) });
  await context.rest(1100);
  await exceedsRate(
    async (index) => {
      const { name, shards } = given(streams[index % streams.length], 'a stream');
      return call(name, shards);
    },
    { perSecond, name: overLimit[0], besides: inUse },
  );
}
