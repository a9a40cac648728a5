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
  it.each<[string, Processor, number, boolean]>([
    ['batches', { processRecords: () => undefined }, 0, false],
    ['batches, read ahead', { processRecords: () => undefined }, 2, false],
    ['single records', { processRecord: () => undefined }, 1, false],
    ['batches, at rest', { processRecords: () => undefined }, 0, true],
    ['batches, read ahead, at rest', { processRecords: () => undefined }, 2, true],
    ['single records, at rest', { processRecord: () => undefined }, 1, true],
  ])(
    'are not kept in memory while the shard waits for the next ones: %s',
    async (_, processor, readAheadPages, rests) => {
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
              options: resolveFetchOptions(rests ? { minTimeBetweenReadsMs: 60_000 } : {}, []),
            }),
        },
      );
      const done = consumer.run();
      await clock.advance(5_000);
      expect(read).toHaveLength(rests ? 1 : 2);
      // Weak references are kept until the turn ends.
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
      expect(read.filter((data) => data.deref() !== undefined)).toEqual([]);
      consumer.drain();
      await done;
    },
  );
});
