import { hash } from 'node:crypto';
import { aggregate } from '@millrace/record-deaggregator/testing';
import type { PageShape } from './messages';
import type { PageContent } from './prebuilt-pages';

/** Both inclusive. */
export interface HashKeyRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** How many different keys plain records have at the most. */
const plainKeys = 1_000;
/** How many different keys an aggregate has: a producer packs what it gets, and keys come again. */
const keysPerAggregate = 50;
/** Of every aggregate of the KPL: by it a reader knows that user records outside of the shard are to be dropped. */
const kplPartitionKey = 'a';

/** What the records of a shard with this range are made of. */
export function pageContent(shardId: string, range: HashKeyRange, shape: PageShape): PageContent {
  const { recordsPerPage, userRecordsPerRecord, dataBytes } = shape;
  if (userRecordsPerRecord === 1) {
    const partitionKeys = keysWithin(range, Math.min(plainKeys, recordsPerPage));
    return { shardId, recordsPerPage, data: Buffer.alloc(dataBytes, 7), partitionKeys };
  }
  const keys = keysWithin(range, keysPerAggregate);
  const data = aggregate(
    Array.from({ length: userRecordsPerRecord }, (_, index) => ({
      partitionKey: keys[index % keys.length] ?? '',
      data: Buffer.alloc(dataBytes, 7),
    })),
  );
  return { shardId, recordsPerPage, data, partitionKeys: [kplPartitionKey] };
}

/** Partition keys that belong to a shard of this range. */
export function keysWithin({ first, last }: HashKeyRange, count: number): readonly string[] {
  const keys: string[] = [];
  for (let candidate = 0; keys.length < count; candidate++) {
    const key = `key-${candidate}`;
    const hashKey = BigInt(`0x${hash('md5', key, 'hex')}`);
    if (hashKey >= first && hashKey <= last) keys.push(key);
  }
  return keys;
}
