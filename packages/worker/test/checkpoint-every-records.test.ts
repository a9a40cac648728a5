import { describe, expect, it } from '@jest/globals';
import type { Checkpoint } from '@millrace/core';
import type { Processor } from '../src';
import { aConsumer, aRecord, batch, feed, type ConsumerOfATest } from './support/a-consumer';

const hour = 3_600_000;
const everything: Processor = { processRecords: () => undefined };

/** Batches of two records each, one a second. */
function twoEachSecond(processor: Processor, everyRecords: number): ConsumerOfATest {
  const made = aConsumer(
    processor,
    async function* (...[start, signal, listener]) {
      for (let number = 1; number < 100; number += 2) {
        yield batch(aRecord(number, undefined, 'a'), aRecord(number + 1, undefined, 'b'));
        await made.clock.sleep(1_000, signal);
      }
      yield* feed()(start, signal, listener);
    },
    { checkpointing: 'automatic', checkpointIntervalMs: hour, checkpointEveryRecords: everyRecords },
  );
  return made;
}

function numbers(stored: readonly Checkpoint[]): readonly string[] {
  return stored.map((checkpoint) => (checkpoint.kind === 'sequence-number' ? checkpoint.sequenceNumber : ''));
}

async function storedWithin(made: ConsumerOfATest, durationMs: number): Promise<readonly string[]> {
  const done = made.consumer.run();
  await made.clock.advance(durationMs);
  const stored = numbers(made.lease.stored);
  made.consumer.drain();
  await made.clock.advance(1_000);
  await done;
  return stored;
}

describe('checkpointEveryRecords', () => {
  it('stores what is acknowledged once there is so much of it', async () => {
    expect(await storedWithin(twoEachSecond(everything, 5), 9_500)).toEqual(['6', '12', '18']);
  });

  it('counts single records, up to the low watermark', async () => {
    const processor: Processor = { processRecord: () => undefined };
    expect(await storedWithin(twoEachSecond(processor, 4), 7_500)).toEqual(['4', '8', '12', '16']);
  });

  it('counts from the last checkpoint on, whoever carried it', async () => {
    const made = twoEachSecond(everything, 4);
    const done = made.consumer.run();
    await made.clock.advance(500);
    made.lease.renew();
    await made.clock.advance(1_000);
    expect(numbers(made.lease.stored)).toEqual(['2']);
    await made.clock.advance(1_000);
    expect(numbers(made.lease.stored)).toEqual(['2', '6']);
    made.consumer.drain();
    await made.clock.advance(1_000);
    await done;
  });

  it('tries again with the next records when the write fails', async () => {
    const made = twoEachSecond(everything, 2);
    made.lease.failures = 1;
    expect(await storedWithin(made, 2_500)).toEqual(['4', '6']);
  });

  it('stores by time alone if it is not given', async () => {
    expect(await storedWithin(twoEachSecond(everything, Infinity), 20_500)).toEqual([]);
  });
});
