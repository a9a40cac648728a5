import { describe, expect, it } from '@jest/globals';
import { deaggregate } from '@millrace/record-deaggregator';
import { pageContent } from '../../src/processing/page-content';

const half = { first: 0n, last: 2n ** 127n - 1n };

describe('the content of a page', () => {
  it('is plain records of so many bytes', () => {
    const shape = { recordsPerPage: 10, userRecordsPerRecord: 1, dataBytes: 200 };
    const { data, partitionKeys, ...others } = pageContent('shardId-000000000000', half, shape);
    expect(others).toEqual({ shardId: 'shardId-000000000000', recordsPerPage: 10 });
    expect(data).toHaveLength(200);
    expect(new Set(partitionKeys).size).toBe(10);
  });

  it('is aggregates of the KPL, of which a reader of the shard keeps everything, and one of another shard nothing', () => {
    const shape = { recordsPerPage: 10, userRecordsPerRecord: 500, dataBytes: 100 };
    const { data, partitionKeys } = pageContent('shardId-000000000000', half, shape);
    const [partitionKey = ''] = partitionKeys;
    const record = { data, partitionKey, sequenceNumber: '1', approximateArrivalTimestamp: new Date(0) };
    const read = (start: bigint, end: bigint): ReturnType<typeof deaggregate> =>
      deaggregate([record], { hashKeyRange: { start: String(start), end: String(end) } });
    const own = read(half.first, half.last);
    expect(own.records).toHaveLength(500);
    expect(new Set(own.records.map((user) => user.data.length))).toEqual(new Set([100]));
    expect(own.counts).toMatchObject({ aggregates: 1, outOfRangeDropped: 0 });
    const other = read(half.last + 1n, 2n ** 128n - 1n);
    expect({ records: other.records, dropped: other.counts.outOfRangeDropped }).toEqual({ records: [], dropped: 500 });
  });
});
