import { describe, expect, it } from '@jest/globals';
import { Fixture, lastHashKey, middleHashKey, refusal, shardId, stream, transitionMs } from './engine-fixture';

const noRateLimits = { getRecordsCallsPerSecond: Infinity, getShardIteratorCallsPerSecond: Infinity };

describe('shard iterators', () => {
  it('start at the oldest record with TRIM_HORIZON, page by page', () => {
    const fixture = new Fixture();
    for (const text of ['a', 'b', 'c']) fixture.put(text);
    const first = fixture.page(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }), 2);
    expect(first.Records).toHaveLength(2);
    expect(fixture.read(first.NextShardIterator)).toEqual(['c']);
  });

  it('start behind the newest record of the moment of issue with LATEST', () => {
    const fixture = new Fixture();
    fixture.put('before');
    const iterator = fixture.iterator({ ShardIteratorType: 'LATEST' });
    fixture.put('after');
    expect(fixture.read(iterator)).toEqual(['after']);
  });

  it('start at, or after, a sequence number', () => {
    const fixture = new Fixture();
    fixture.put('a');
    const { SequenceNumber } = fixture.put('b');
    fixture.put('c');
    const at = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: SequenceNumber } as const;
    expect(fixture.read(fixture.iterator(at))).toEqual(['b', 'c']);
    const after = { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: SequenceNumber } as const;
    expect(fixture.read(fixture.iterator(after))).toEqual(['c']);
  });

  it('start at a timestamp, or at the next later record', async () => {
    const fixture = new Fixture({ limits: noRateLimits });
    fixture.put('a');
    await fixture.clock.advance(1000);
    const betweenMs = fixture.clock.wallTime();
    await fixture.clock.advance(1000);
    fixture.put('b');
    const at = (ms: number): string => fixture.iterator({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp: ms / 1000 });
    expect(fixture.read(at(betweenMs - 1000))).toEqual(['a', 'b']);
    expect(fixture.read(at(betweenMs))).toEqual(['b']);
    const tip = at(fixture.clock.wallTime());
    await fixture.clock.advance(1);
    fixture.put('c');
    expect(fixture.read(tip)).toEqual(['b', 'c']);
    expect(fixture.read(at(0))).toEqual(['a', 'b', 'c']);
  });

  it('may start at the arrival time of any record, also one that is dated ahead of a clock that stands still', () => {
    const fixture = new Fixture({ limits: noRateLimits });
    fixture.put('a');
    const nowMs = fixture.clock.wallTime();
    fixture.engine.split('flights');
    const child = { ShardId: fixture.put('b').ShardId, ShardIteratorType: 'AT_TIMESTAMP' } as const;
    const { Records } = fixture.page(fixture.iterator({ ...child, ShardIteratorType: 'TRIM_HORIZON' }));
    const Timestamp = Records[0]?.ApproximateArrivalTimestamp ?? 0;
    expect(Timestamp * 1000).toBeGreaterThan(nowMs);
    expect(fixture.read(fixture.iterator({ ...child, Timestamp }))).toEqual(['b']);
    // The parent ended at that moment, and is listed for it: whoever starts there starts in both.
    expect(fixture.listIds({ Type: 'AT_TIMESTAMP', Timestamp })).toContain(shardId(0));
    expect(fixture.read(fixture.iterator({ ...child, ShardId: shardId(0), Timestamp }))).toEqual([]);
    const later = { Timestamp: Timestamp + 0.001 };
    expect(refusal(() => fixture.iterator({ ...child, ...later }))).toBe('InvalidArgumentException');
    expect(refusal(() => fixture.iterator({ ...child, ShardId: shardId(0), ...later }))).toBe(
      'InvalidArgumentException',
    );
  });

  it('may start at and after the ending sequence number of a closed shard, and not beyond it', async () => {
    const fixture = new Fixture({ limits: noRateLimits });
    fixture.put('a');
    await fixture.split(shardId(0), middleHashKey);
    const ending = fixture.list().Shards[0]?.SequenceNumberRange.EndingSequenceNumber ?? '';
    // The number in the stream, in the middle of a sequence number, is one higher.
    const beyond = (BigInt(ending) + 10n ** 26n).toString();
    for (const ShardIteratorType of ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const) {
      const page = fixture.page(fixture.iterator({ ShardIteratorType, StartingSequenceNumber: ending }));
      expect(page.Records).toEqual([]);
      expect(page.NextShardIterator).toBeUndefined();
      expect(page.ChildShards?.map((child) => child.ShardId)).toEqual([shardId(1), shardId(2)]);
      expect(refusal(() => fixture.iterator({ ShardIteratorType, StartingSequenceNumber: beyond }))).toBe(
        'InvalidArgumentException',
      );
    }
  });

  it('may start at a timestamp in an empty shard', () => {
    const fixture = new Fixture();
    const iterator = fixture.iterator({
      ShardIteratorType: 'AT_TIMESTAMP',
      Timestamp: fixture.clock.wallTime() / 1000,
    });
    expect(fixture.read(iterator)).toEqual([]);
    fixture.put('a');
    expect(fixture.read(iterator)).toEqual(['a']);
  });

  it('refuse what cannot be a position of the shard', async () => {
    const fixture = new Fixture({ shardCount: 2, limits: noRateLimits });
    const { ShardId, SequenceNumber } = fixture.put('a');
    const otherShard = ShardId === shardId(0) ? shardId(1) : shardId(0);
    const at = (StartingSequenceNumber: string, ShardId: string) => (): string =>
      fixture.iterator({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber, ShardId });
    expect(refusal(at(SequenceNumber, ShardId))).toBeUndefined();
    expect(refusal(at(SequenceNumber, otherShard))).toBe('InvalidArgumentException');
    expect(refusal(at('1', ShardId))).toBe('InvalidArgumentException');
    expect(refusal(at('SHARD_END', ShardId))).toBe('InvalidArgumentException');
    expect(refusal(() => fixture.iterator({ ShardIteratorType: 'AT_SEQUENCE_NUMBER' }))).toBe(
      'InvalidArgumentException',
    );
    expect(refusal(() => fixture.iterator({ ShardIteratorType: 'AT_TIMESTAMP' }))).toBe('InvalidArgumentException');
    const future = { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: fixture.clock.wallTime() / 1000 + 1 } as const;
    expect(refusal(() => fixture.iterator(future))).toBe('InvalidArgumentException');
    expect(refusal(() => fixture.iterator({ ShardIteratorType: 'LATEST', ShardId: shardId(9) }))).toBe(
      'ResourceNotFoundException',
    );
  });

  it('expire five minutes after their issue', async () => {
    const fixture = new Fixture();
    const iterator = fixture.iterator({ ShardIteratorType: 'LATEST' });
    await fixture.clock.advance(300_000);
    const { NextShardIterator } = fixture.page(iterator);
    await fixture.clock.advance(1);
    expect(refusal(() => fixture.page(iterator))).toBe('ExpiredIteratorException');
    expect(refusal(() => fixture.page(NextShardIterator))).toBeUndefined();
  });

  it('are refused when cut or changed', () => {
    const fixture = new Fixture({ limits: noRateLimits });
    const iterator = fixture.iterator({ ShardIteratorType: 'LATEST' });
    for (const bad of [iterator.slice(0, -4), `A${iterator.slice(1)}`, 'x', '%%%', iterator.toLowerCase()]) {
      expect(refusal(() => fixture.page(bad))).toBe('InvalidArgumentException');
    }
    const { NextToken } = new Fixture({ shardCount: 2 }).list({ ...stream, MaxResults: 1 });
    expect(refusal(() => fixture.page(NextToken))).toBe('InvalidArgumentException');
  });

  it('do not survive their stream', async () => {
    const fixture = new Fixture();
    const iterator = fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' });
    fixture.engine.handle('DeleteStream', stream);
    await fixture.clock.advance(transitionMs);
    expect(refusal(() => fixture.page(iterator))).toBe('ResourceNotFoundException');
    fixture.engine.addStream(stream.StreamName, 1);
    expect(refusal(() => fixture.page(iterator))).toBe('ResourceNotFoundException');
  });
});

describe('GetRecords', () => {
  it('answers with the children, and no further iterator, at the end of a closed shard', async () => {
    const fixture = new Fixture();
    fixture.put('a');
    fixture.put('b');
    const iterator = fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' });
    await fixture.split(shardId(0), middleHashKey);
    const first = fixture.page(iterator, 1);
    expect(first.ChildShards).toBeUndefined();
    const last = fixture.page(first.NextShardIterator, 1);
    expect(last.NextShardIterator).toBeUndefined();
    expect(last.MillisBehindLatest).toBe(0);
    expect(last.ChildShards).toEqual([
      {
        ShardId: shardId(1),
        ParentShards: [shardId(0)],
        HashKeyRange: { StartingHashKey: '0', EndingHashKey: (BigInt(middleHashKey) - 1n).toString() },
      },
      {
        ShardId: shardId(2),
        ParentShards: [shardId(0)],
        HashKeyRange: { StartingHashKey: middleHashKey, EndingHashKey: lastHashKey },
      },
    ]);
  });

  it('names both parents of a merged child, at the end of each', async () => {
    const fixture = new Fixture({ shardCount: 2 });
    await fixture.merge(shardId(0), shardId(1));
    for (const parent of [shardId(0), shardId(1)]) {
      const page = fixture.page(fixture.iterator({ ShardId: parent, ShardIteratorType: 'TRIM_HORIZON' }));
      expect(page.ChildShards).toMatchObject([{ ShardId: shardId(2), ParentShards: [shardId(0), shardId(1)] }]);
    }
  });

  it('ends at once with LATEST on a closed shard', async () => {
    const fixture = new Fixture();
    fixture.put('a');
    await fixture.split(shardId(0), middleHashKey);
    const page = fixture.page(fixture.iterator({ ShardIteratorType: 'LATEST' }));
    expect(page.Records).toEqual([]);
    expect(page.NextShardIterator).toBeUndefined();
    expect(page.ChildShards).toHaveLength(2);
  });

  it('says how far behind the last record of the page is', async () => {
    const fixture = new Fixture();
    fixture.put('a');
    await fixture.clock.advance(4000);
    fixture.put('b');
    await fixture.clock.advance(3000);
    const first = fixture.page(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }), 1);
    expect(first.MillisBehindLatest).toBe(7000);
    expect(fixture.page(first.NextShardIterator).MillisBehindLatest).toBe(0);
  });

  it('fits a page to 10 MB and gives at least one record', () => {
    const fixture = new Fixture({ limits: { getRecordsMaxBytes: 10, readBytesPerSecond: Infinity } });
    for (const text of ['12345', '1', '123456789012345', '1']) fixture.put(text, 'k');
    const first = fixture.page(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }));
    const second = fixture.page(first.NextShardIterator);
    const third = fixture.page(second.NextShardIterator);
    expect([first, second, third].map((page) => page.Records.length)).toEqual([2, 1, 1]);
  });

  it('refuses a limit that is out of range', () => {
    const fixture = new Fixture();
    const iterator = fixture.iterator({ ShardIteratorType: 'LATEST' });
    expect(refusal(() => fixture.page(iterator, 0))).toBe('ValidationException');
    expect(refusal(() => fixture.page(iterator, 10_001))).toBe('ValidationException');
  });

  it('refuses an iterator of another stream than the one named', () => {
    const fixture = new Fixture();
    fixture.engine.addStream('other', 1);
    const ShardIterator = fixture.iterator({ ShardIteratorType: 'LATEST' });
    const arn = (name: string): string => `arn:aws:kinesis:us-east-1:000000000000:stream/${name}`;
    const get = (StreamARN: string) => (): unknown => fixture.engine.handle('GetRecords', { ShardIterator, StreamARN });
    expect(refusal(get(arn('flights')))).toBeUndefined();
    expect(refusal(get(arn('other')))).toBe('InvalidArgumentException');
    expect(refusal(get(arn('none')))).toBe('ResourceNotFoundException');
    expect(refusal(get('flights'))).toBe('ValidationException');
  });
});
