import type { HashKeyRange, StreamRecord, UserRecord } from '@millrace/core';
import { decodeAggregatedRecord, type AggregatedEntry } from './aggregated-record';
import { boundsOf, hashKeyOf, isWithin, parseHashKey, type HashKeyBounds } from './hash-key';

/**
 * What to do with a user record whose hash key is outside the shard. The KPL retries such records, which it packed
 * before a split or merge that it had not seen, so delivering them here would deliver them twice. Other producers mix
 * hash keys in one aggregate and never retry.
 *
 * - `'auto'`: drop it when the aggregate is the KPL's, known by its outer partition key "a"; else keep it.
 * - `'drop-record'`: drop it, whoever made the aggregate.
 * - `'keep'`: deliver it. Duplicates after a reshard instead of any possible loss.
 * - `'kcl'`: as the Java KCL, drop the whole aggregate for one such record. Loses records: KPL 0.15.11 and later do not
 *   retry the ones that did belong to the shard. Only for comparing with the KCL.
 */
export type OutOfRange = 'auto' | 'drop-record' | 'keep' | 'kcl';

export interface DeaggregateOptions {
  /** Of the shard that the records were read from. Without it every user record is kept. */
  readonly hashKeyRange?: HashKeyRange | undefined;
  /** Default `'auto'`. */
  readonly outOfRange?: OutOfRange | undefined;
}

/** What was not plain. A healthy stream has only `aggregates`, and `outOfRangeDropped` for a moment after a reshard. */
export interface DeaggregationCounts {
  /** Records that were KPL aggregates, empty ones included. */
  readonly aggregates: number;
  /** Records that began like an aggregate but had another checksum: delivered as they are. */
  readonly badChecksum: number;
  /** Records with the right checksum whose content was not an aggregate, or not a consistent one: delivered as they are. */
  readonly malformed: number;
  /** Aggregates of no user records: nothing is delivered for them. */
  readonly emptyAggregates: number;
  /** User records not delivered because of {@link DeaggregateOptions.outOfRange}; with `'kcl'` the whole aggregate's. */
  readonly outOfRangeDropped: number;
  /** User records delivered although their explicit hash key is no hash key. Not looked for where no range is checked. */
  readonly unknownHashKey: number;
}

export interface Deaggregated {
  /** In the order of the stream, and within an aggregate in the order of its producer. */
  readonly records: readonly UserRecord[];
  readonly counts: DeaggregationCounts;
}

type Counts = { -readonly [Name in keyof DeaggregationCounts]: number };

/** The partition key that the KPL gives every aggregate; the one trace of it that reaches a consumer. */
const KPL_PARTITION_KEY = 'a';

/**
 * Turns the records of one shard into user records. A record that is not an aggregate, or not a sound one, is delivered
 * as it is: whatever the bytes, this does not throw and no other record is touched.
 *
 * A user record's sub-sequence number is its index in the aggregate as it was produced, so that a checkpoint means the
 * same record whatever range and options it is read with. Data are views of the aggregates' buffers. An aggregate in
 * the data of a user record is not opened.
 *
 * Throws RangeError when `hashKeyRange` is not a range.
 */
export function deaggregate(
  records: readonly StreamRecord[],
  { hashKeyRange, outOfRange = 'auto' }: DeaggregateOptions = {},
): Deaggregated {
  const bounds = hashKeyRange === undefined || outOfRange === 'keep' ? undefined : boundsOf(hashKeyRange);
  const counts: Counts = {
    aggregates: 0,
    badChecksum: 0,
    malformed: 0,
    emptyAggregates: 0,
    outOfRangeDropped: 0,
    unknownHashKey: 0,
  };
  const userRecords: UserRecord[] = [];
  for (const record of records) {
    const decoded = decodeAggregatedRecord(record.data);
    if (typeof decoded === 'string') {
      if (decoded === 'bad-checksum') counts.badChecksum++;
      if (decoded === 'malformed') counts.malformed++;
      userRecords.push(asItIs(record));
      continue;
    }
    counts.aggregates++;
    if (decoded.length === 0) counts.emptyAggregates++;
    const checked = outOfRange === 'auto' && record.partitionKey !== KPL_PARTITION_KEY ? undefined : bounds;
    const kept = checked === undefined ? undefined : selectWithin(decoded, checked, counts);
    const dropsAll = outOfRange === 'kcl' && kept?.includes(false) === true;
    for (const [index, entry] of decoded.entries()) {
      if (dropsAll || kept?.[index] === false) counts.outOfRangeDropped++;
      else userRecords.push(fromAggregate(record, entry, index));
    }
  }
  return { records: userRecords, counts };
}

function asItIs({ data, partitionKey, sequenceNumber, approximateArrivalTimestamp }: StreamRecord): UserRecord {
  return {
    data,
    partitionKey,
    explicitHashKey: undefined,
    sequenceNumber,
    subSequenceNumber: 0,
    approximateArrivalTimestamp,
    aggregated: false,
  };
}

function fromAggregate(
  { sequenceNumber, approximateArrivalTimestamp }: StreamRecord,
  { data, partitionKey, explicitHashKey }: AggregatedEntry,
  index: number,
): UserRecord {
  return {
    data,
    partitionKey,
    explicitHashKey,
    sequenceNumber,
    subSequenceNumber: index,
    approximateArrivalTimestamp,
    aggregated: true,
  };
}

type Place = 'inside' | 'outside' | 'unknown';

/** For each user record whether it is within `bounds`, or cannot be told. */
function selectWithin(entries: readonly AggregatedEntry[], bounds: HashKeyBounds, counts: Counts): readonly boolean[] {
  const placeOf = (key: string | undefined): Place =>
    key === undefined ? 'unknown' : isWithin(key, bounds) ? 'inside' : 'outside';
  // One hash for each key, however many records share it: hashing costs more than all the rest of decoding.
  const byPartitionKey = remember((key) => placeOf(hashKeyOf(key)));
  const byExplicitHashKey = remember((key) => placeOf(parseHashKey(key)));
  return entries.map(({ partitionKey, explicitHashKey }) => {
    const place = explicitHashKey === undefined ? byPartitionKey(partitionKey) : byExplicitHashKey(explicitHashKey);
    if (place === 'unknown') counts.unknownHashKey++;
    return place !== 'outside';
  });
}

function remember(find: (key: string) => Place): (key: string) => Place {
  const found = new Map<string, Place>();
  return (key) => {
    const known = found.get(key);
    if (known !== undefined) return known;
    const place = find(key);
    found.set(key, place);
    return place;
  };
}
