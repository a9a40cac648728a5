import assert from 'node:assert/strict';
import { deaggregateSync } from 'aws-kinesis-agg';
import { deaggregate } from '@millrace/record-deaggregator';
import { aggregate } from '@millrace/record-deaggregator/testing';
import { keysWithin } from './page-content';

type StreamRecord = Parameters<typeof deaggregate>[0][number];

/** One way to take an aggregate apart. */
export interface Deaggregator {
  /** Returns how many user records there were. */
  readonly deaggregate: (record: StreamRecord) => number;
  /** The same, and shows the data of each as its user must have it to look at the bytes. */
  readonly deaggregateAndShow: (record: StreamRecord, show: (data: Uint8Array) => void) => number;
  /** For comparing. */
  readonly contentOf: (record: StreamRecord) => readonly Content[];
}

export interface Content {
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  readonly data: string;
}

function deaggregatorOf<T>(
  takeApart: (record: StreamRecord) => readonly T[],
  bytesOf: (record: T) => Uint8Array,
  othersOf: (record: T) => Omit<Content, 'data'>,
): Deaggregator {
  return {
    deaggregate: (record) => takeApart(record).length,
    deaggregateAndShow: (record, show) => {
      const all = takeApart(record);
      for (const one of all) show(bytesOf(one));
      return all.length;
    },
    contentOf: (record) =>
      takeApart(record).map((one) => ({ ...othersOf(one), data: Buffer.from(bytesOf(one)).toString() })),
  };
}

const aggregateCount = 40;
const userRecordCount = 500;
const dataBytes = 100;
const keyCount = 50;
/** Of the upper one of two shards: where there is a range to check, as there is in every stream of more than one shard. */
const range = { first: 2n ** 127n, last: 2n ** 128n - 1n };
const hashKeyRange = { start: String(range.first), end: String(range.last) };

/** As the KPL makes them; no data is like the next. */
export function aggregates(): readonly StreamRecord[] {
  const keys = keysWithin(range, keyCount);
  return Array.from({ length: aggregateCount }, (_, number) => ({
    partitionKey: 'a',
    sequenceNumber: String(4_965_903n * 10n ** 49n + BigInt(number)),
    approximateArrivalTimestamp: new Date(1_795_000_000_123 + number),
    data: aggregate(
      Array.from({ length: userRecordCount }, (_user, index) => ({
        partitionKey: keys[index % keys.length] ?? '',
        data: Buffer.alloc(dataBytes, `${number}/${index} `),
      })),
    ),
  }));
}

const ours = deaggregatorOf(
  (record) => deaggregate([record], { hashKeyRange }).records,
  ({ data }) => data,
  ({ partitionKey, sequenceNumber, subSequenceNumber }) => ({ partitionKey, sequenceNumber, subSequenceNumber }),
);

interface TheirRecord {
  readonly PartitionKey: string;
  readonly SequenceNumber: string;
  readonly SubSequenceNumber: number;
  /** In base64. */
  readonly Data: string;
}

/** Given what GetRecords of the SDK gives. */
const theirs = deaggregatorOf(
  ({ data: Data, partitionKey: PartitionKey, sequenceNumber: SequenceNumber }) =>
    allOf({ Data, PartitionKey, SequenceNumber }) as readonly TheirRecord[],
  ({ Data }) => Buffer.from(Data, 'base64'),
  ({ PartitionKey: partitionKey, SequenceNumber: sequenceNumber, SubSequenceNumber: subSequenceNumber }) => ({
    ...{ partitionKey, sequenceNumber, subSequenceNumber },
  }),
);

/** Its data in base64. */
type TheirOtherRecord = Content;

/** Given what an event of Lambda has, but for bytes in place of base64: that is less work for it. */
const theirsByOtherNames = deaggregatorOf(
  ({ data, partitionKey, sequenceNumber }) =>
    allOf({ data, partitionKey, sequenceNumber }) as readonly TheirOtherRecord[],
  ({ data }) => Buffer.from(data, 'base64'),
  ({ partitionKey, sequenceNumber, subSequenceNumber }) => ({ partitionKey, sequenceNumber, subSequenceNumber }),
);

/** The library is told to verify the checksum. */
function allOf(record: object): readonly unknown[] {
  let found: readonly unknown[] = [];
  deaggregateSync(record as Parameters<typeof deaggregateSync>[0], true, (error: unknown, records = []) => {
    if (error instanceof Error) throw error;
    found = records;
  });
  return found;
}

export const deaggregators = { ours, theirs, theirsByOtherNames } as const;

/** All find the same, and all verify the checksum. */
export function assertSame(records: readonly StreamRecord[]): void {
  for (const record of records) {
    const found = ours.contentOf(record);
    assert.equal(found.length, userRecordCount);
    assert.deepEqual(theirs.contentOf(record), found);
    assert.deepEqual(theirsByOtherNames.contentOf(record), found);
    const data = Buffer.from(record.data);
    data[100] = (data[100] ?? 0) ^ 1;
    const broken = { ...record, data };
    assert.equal(deaggregate([broken], { hashKeyRange }).counts.badChecksum, 1);
    assert.throws(() => theirs.deaggregate(broken), /checksum/);
    assert.throws(() => theirsByOtherNames.deaggregate(broken), /checksum/);
  }
}
