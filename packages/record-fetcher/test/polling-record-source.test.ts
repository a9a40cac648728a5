import { describe, expect, it } from '@jest/globals';
import type { Shard } from '@millrace/core';
import { settle } from '@millrace/core/testing';
import type { RecordsPage } from '@millrace/record-fetcher';
import { kinesisError } from '@millrace/record-fetcher/testing';
import { Reading, SHARD } from './reading';

const child: Shard = {
  shardId: 'shardId-000000000001',
  parentShardIds: [SHARD],
  hashKeyRange: { start: '0', end: '9' },
  startingSequenceNumber: undefined,
  endingSequenceNumber: undefined,
};

describe('reading a shard', () => {
  it('makes no call before it is asked, and one page of calls for each time it is asked', async () => {
    const reading = new Reading();
    const put = reading.put(2);
    const batches = reading.source({ kind: 'trim-horizon' }, { maxRecords: 1 }).batches(reading.abort.signal);
    await reading.clock.advance(10_000);
    expect(reading.reader.calls).toEqual([]);

    const first = await batches.next();
    expect(first.value).toMatchObject({ kind: 'records', records: [{ sequenceNumber: put[0] }] });
    expect(reading.reader.calls.map(({ operation }) => operation)).toEqual(['GetShardIterator', 'GetRecords']);
    await reading.clock.advance(10_000);
    expect(reading.reader.calls).toHaveLength(2);

    const second = await batches.next();
    expect(second.value).toMatchObject({ kind: 'records', records: [{ sequenceNumber: put[1] }] });
    expect(reading.callsTo('GetRecords')).toHaveLength(2);
  });

  it('gives the records as they are, with the lag, and empty batches when there are none', async () => {
    const reading = new Reading();
    const records = reading.reader.put(SHARD, { data: Uint8Array.of(1) }, { data: Uint8Array.of(2) });
    await reading.clock.advance(7_000);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1 });
    await reading.clock.advance(1_000);
    expect(reading.batches.slice(0, 3)).toEqual([
      { kind: 'records', records: [records[0]], millisBehindLatest: 7_000 },
      { kind: 'records', records: [records[1]], millisBehindLatest: 0 },
      { kind: 'records', records: [], millisBehindLatest: 0 },
    ]);
    expect(reading.batches[0]).toHaveProperty('records.0.data', records[0]?.data);
  });

  it('leaves no records in the page, which promises have for longer', async () => {
    const reading = new Reading();
    const put = reading.put(2);
    const pages: RecordsPage[] = [];
    const getRecords = reading.reader.getRecords.bind(reading.reader);
    reading.reader.getRecords = async (...call) => {
      const page = await getRecords(...call);
      pages.push(page);
      return page;
    };
    reading.begin();
    await settle();
    expect(reading.delivered).toEqual(put);
    expect(pages.map(({ records }) => records)).toEqual([[]]);
  });

  it.each([
    ['the trim horizon', () => ({ kind: 'trim-horizon' }) as const, 0],
    ['a moment', () => ({ kind: 'at-timestamp', timestampMs: 1_700_000_000_500 }) as const, 2],
    ['a record', (third: string) => ({ kind: 'at-sequence-number', sequenceNumber: third }) as const, 2],
  ])('begins at %s', async (_, start, from) => {
    const reading = new Reading();
    const put = reading.put(2);
    await reading.clock.advance(1_000);
    put.push(...reading.put(2));
    reading.begin(start(put[2]!));
    await settle();
    expect(reading.delivered).toEqual(put.slice(from));
  });

  it('gives the last records first and then the end of the shard with its children', async () => {
    const reading = new Reading();
    const put = reading.put(3);
    reading.reader.closeShard(SHARD, [child]);
    reading.begin();
    await reading.untilDone();
    expect(reading.delivered).toEqual(put);
    expect(reading.batches.map(({ kind }) => kind)).toEqual(['records', 'shard-end']);
    expect(reading.batches.at(-1)).toEqual({ kind: 'shard-end', childShards: [child], agedOut: false });
    expect(reading.outcome).toBe('ended');
  });

  it('ends an empty closed shard without an empty batch', async () => {
    const reading = new Reading();
    reading.reader.closeShard(SHARD);
    reading.begin();
    await reading.untilDone();
    expect(reading.batches).toEqual([{ kind: 'shard-end', childShards: [], agedOut: false }]);
  });

  it('prints nothing in a healthy hour', async () => {
    const reading = new Reading({ enforceReadLimits: true });
    reading.begin();
    for (let minute = 0; minute < 60; minute++) {
      reading.put(5);
      await reading.clock.advance(60_000);
    }
    expect(reading.delivered).toHaveLength(300);
    expect(reading.logger.lines).toEqual([]);
  });

  it('says when its next read is due, and makes it then at once', async () => {
    const reading = new Reading();
    const source = reading.source({ kind: 'trim-horizon' }, { idleTimeBetweenReadsMs: 60_000 });
    expect(source.restMs).toBe(0);
    const batches = source.batches(reading.abort.signal);
    await batches.next();
    expect(source.restMs).toBe(60_000);
    const { length } = reading.reader.calls;
    await reading.clock.advance(60_000);
    expect([source.restMs, reading.reader.calls.length]).toEqual([0, length]);
    const next = batches.next();
    await settle();
    expect(reading.reader.calls).toHaveLength(length + 1);
    await next;
  });

  it('says the end of the shard without a rest behind the last records', async () => {
    const reading = new Reading();
    reading.put(1);
    reading.reader.closeShard(SHARD);
    const source = reading.source({ kind: 'trim-horizon' }, { minTimeBetweenReadsMs: 240_000 });
    const batches = source.batches(reading.abort.signal);
    expect((await batches.next()).value).toMatchObject({ kind: 'records', records: [{}] });
    expect(source.restMs).toBe(0);
    expect((await batches.next()).value).toMatchObject({ kind: 'shard-end' });
    expect(reading.clock.now()).toBe(0);
  });

  it('may be read once', async () => {
    const reading = new Reading();
    const source = reading.source();
    await source.batches(reading.abort.signal).next();
    await expect(source.batches(reading.abort.signal).next()).rejects.toThrow('once');
  });
});

describe('an abort', () => {
  it('ends reading at once and quietly in the middle of a sleep', async () => {
    const reading = new Reading();
    reading.begin({ kind: 'trim-horizon' }, { idleTimeBetweenReadsMs: 60_000 });
    await reading.clock.advance(1_000);
    expect(reading.clock.sleeperCount).toBe(1);
    reading.abort.abort(new Error('stop'));
    await settle();
    expect(reading.outcome).toBe('ended');
    expect(reading.clock.sleeperCount).toBe(0);
    expect(reading.logger.lines).toEqual([]);
  });

  it('ends reading in the middle of a backoff', async () => {
    const reading = new Reading();
    reading.reader.intercept = () => kinesisError('ServiceUnavailable');
    reading.begin();
    await reading.clock.advance(100);
    reading.abort.abort();
    await settle();
    expect(reading.outcome).toBe('ended');
  });

  it('before the first batch makes no call', async () => {
    const reading = new Reading();
    reading.abort.abort();
    reading.begin();
    await settle();
    expect(reading.outcome).toBe('ended');
    expect(reading.reader.calls).toEqual([]);
  });

  it('during a call discards its answer', async () => {
    const reading = new Reading();
    reading.put(1);
    reading.reader.intercept = ({ operation }) => {
      if (operation === 'GetRecords') reading.abort.abort();
      return undefined;
    };
    reading.begin();
    await settle();
    expect(reading.outcome).toBe('ended');
    expect(reading.batches).toEqual([]);
  });

  it('while the consumer holds the last batch gives no end of the shard', async () => {
    const reading = new Reading();
    reading.put(1);
    reading.reader.closeShard(SHARD);
    reading.deal = async () => reading.abort.abort();
    reading.begin();
    await settle();
    expect(reading.batches.map(({ kind }) => kind)).toEqual(['records']);
    expect(reading.outcome).toBe('ended');
  });
});

describe('a shard that is not found', () => {
  const notFound = kinesisError('ResourceNotFoundException');

  it('has aged out when it is no longer listed', async () => {
    const reading = new Reading();
    const put = reading.put(1);
    reading.status = () => 'gone';
    reading.deal = async () => reading.reader.removeShard(SHARD);
    reading.begin();
    await reading.untilDone();
    expect(reading.delivered).toEqual(put);
    expect(reading.batches.at(-1)).toEqual({ kind: 'shard-end', childShards: [], agedOut: true });
    expect(reading.logged('warn')).toEqual(['shard was deleted before it was read to its end']);
  });

  it('is retried while it is listed', async () => {
    const reading = new Reading();
    reading.reader.failNext('GetShardIterator', notFound, notFound);
    const put = reading.put(1);
    reading.begin();
    await reading.clock.advance(5_000);
    expect(reading.delivered).toEqual(put);
    expect(reading.events.failing.map(({ kind }) => kind)).toEqual(['transient', 'transient']);
  });

  it('is a stream that is not found when that is gone', async () => {
    const reading = new Reading();
    reading.reader.intercept = () => notFound;
    reading.status = () => 'stream-gone';
    reading.begin();
    await reading.untilDone();
    expect(reading.outcome).toMatchObject({ error: { code: 'STREAM_NOT_FOUND', cause: notFound } });
  });

  it('is asked about again when the question fails', async () => {
    const reading = new Reading();
    const answers: (() => 'gone')[] = [
      () => {
        throw kinesisError('LimitExceededException');
      },
      () => {
        throw kinesisError('ServiceUnavailable');
      },
      () => 'gone',
    ];
    reading.status = () => answers.shift()!();
    reading.reader.removeShard(SHARD);
    reading.begin();
    await reading.untilDone();
    expect(reading.batches).toEqual([{ kind: 'shard-end', childShards: [], agedOut: true }]);
    expect(reading.events.throttled).toHaveLength(1);
    expect(reading.callsTo('GetShardIterator')).toHaveLength(1);
  });

  it('ends reading when the question itself finds nothing', async () => {
    const reading = new Reading();
    reading.reader.removeShard(SHARD);
    reading.status = () => {
      throw notFound;
    };
    reading.begin();
    await reading.untilDone();
    expect(reading.outcome).toEqual({ error: notFound });
  });
});

describe('a position that cannot be read from', () => {
  it('is an error when records come twice: nothing of that answer is delivered', async () => {
    const reading = new Reading();
    const put = reading.put(2);
    reading.reader.put(SHARD, { data: Uint8Array.of(3) }, { data: Uint8Array.of(4), sequenceNumber: put[1]! });
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 2 });
    await reading.untilDone();
    expect(reading.outcome).toMatchObject({ error: { code: 'SHARD_UNREADABLE' } });
    expect(reading.delivered).toEqual(put);
  });

  it('is an error when an answer begins before the last record of the one before', async () => {
    const reading = new Reading();
    const put = reading.put(2);
    reading.reader.put(SHARD, { data: Uint8Array.of(3), sequenceNumber: put[0]! });
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 2 });
    await reading.untilDone();
    expect(reading.outcome).toMatchObject({ error: { code: 'SHARD_UNREADABLE' } });
    expect(reading.delivered).toEqual(put);
  });

  it('is an error when reading begins before the start', async () => {
    const reading = new Reading();
    const [first] = reading.put(2);
    reading.reader.put(SHARD, { data: Uint8Array.of(3), sequenceNumber: '5' });
    reading.reader.trim(SHARD, 2);
    const start = { kind: 'at-sequence-number', sequenceNumber: first! } as const;
    reading.reader.getShardIterator = async () => 'mine';
    reading.reader.getRecords = async () => ({
      records: [
        { sequenceNumber: '5', partitionKey: 'k', data: Uint8Array.of(1), approximateArrivalTimestamp: new Date(0) },
      ],
      nextIterator: 'next',
      millisBehindLatest: 0,
      childShards: [],
    });
    reading.begin(start);
    await reading.untilDone();
    expect(reading.outcome).toMatchObject({ error: { code: 'SHARD_UNREADABLE' } });
    expect(reading.events.startAgedOut).toEqual([]);
  });

  it('is reported when its record has aged out, and reading goes on at the first that is left', async () => {
    const reading = new Reading();
    const put = reading.put(4);
    reading.reader.trim(SHARD, 2);
    reading.begin({ kind: 'at-sequence-number', sequenceNumber: put[0]! });
    await reading.clock.advance(1_000);
    expect(reading.delivered).toEqual(put.slice(2));
    expect(reading.events.startAgedOut).toEqual([{ shardId: SHARD, wanted: put[0], found: put[2] }]);
    expect(reading.logged('warn')).toHaveLength(1);
  });

  it('is reported when every record has aged out before the end of the shard', async () => {
    const reading = new Reading();
    const put = reading.put(2);
    reading.reader.trim(SHARD, 2);
    reading.reader.closeShard(SHARD);
    reading.begin({ kind: 'at-sequence-number', sequenceNumber: put[0]! });
    await reading.untilDone();
    expect(reading.events.startAgedOut).toEqual([{ shardId: SHARD, wanted: put[0], found: undefined }]);
  });

  it('is not reported when its record is there', async () => {
    const reading = new Reading();
    const put = reading.put(2);
    reading.begin({ kind: 'at-sequence-number', sequenceNumber: put[0]! });
    await reading.clock.advance(10_000);
    expect(reading.delivered).toEqual(put);
    expect(reading.events.startAgedOut).toEqual([]);
  });
});

describe('the traps that others fell into', () => {
  it('trap 5: an invalid position, and LATEST read instead. What Kinesis refuses is an error, and nothing is read from anywhere else', async () => {
    const reading = new Reading();
    reading.put(1);
    reading.begin({ kind: 'at-sequence-number', sequenceNumber: '9'.repeat(56) });
    await reading.untilDone();
    expect(reading.outcome).toMatchObject({ error: { code: 'SHARD_UNREADABLE', shardId: SHARD } });
    expect(reading.positions).toHaveLength(1);
    expect(reading.delivered).toEqual([]);
  });
});
