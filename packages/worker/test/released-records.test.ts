import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { ManualClock, RecordingLogger, seededRandom } from '@millrace/core/testing';
import { PollingRecordSource, resolveFetchOptions, type KinesisReader } from '@millrace/record-fetcher';
import type { Processor } from '../src';
import { aConsumer, aRecord } from './support/a-consumer';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('records that are done with', () => {
  it.each<[string, Processor, number]>([
    ['batches', { processRecords: () => undefined }, 0],
    ['batches, read ahead', { processRecords: () => undefined }, 2],
    ['single records', { processRecord: () => undefined }, 1],
  ])('are not kept in memory while the shard waits for the next ones: %s', async (_, processor, readAheadPages) => {
    const clock = new ManualClock();
    const read: WeakRef<object>[] = [];
    const reader: KinesisReader = {
      getShardIterator: () => Promise.resolve('iterator'),
      async getRecords() {
        // The third call is never answered.
        if (read.length === 2) await new Promise(() => undefined);
        const data = new Uint8Array(1_000);
        read.push(new WeakRef(data));
        // The last one may be kept, for its position.
        const records = [aRecord(read.length * 2, data), aRecord(read.length * 2 + 1)];
        return { records, nextIterator: 'iterator', millisBehindLatest: 0, childShards: [] };
      },
    };
    const { consumer } = aConsumer(
      processor,
      () => {
        throw new Error('not used');
      },
      {
        ...{ clock, readAheadPages, checkpointing: 'automatic' },
        openSource: (start) =>
          new PollingRecordSource({
            ...{ reader, start, clock, random: seededRandom(1), logger: new RecordingLogger(), observer: {} },
            ...{ shardStatus: () => Promise.resolve('listed'), stream: 'flights', shardId: 'shard' },
            options: resolveFetchOptions({}, []),
          }),
      },
    );
    const done = consumer.run();
    await clock.advance(5_000);
    expect(read).toHaveLength(2);
    // Weak references are kept until the turn ends.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(read.map((data) => data.deref())).toEqual([undefined, undefined]);
    consumer.drain();
    await done;
  });
});
