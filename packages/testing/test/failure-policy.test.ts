import { afterEach, expect, it } from '@jest/globals';
import { RecordFailedError, type DeadLetter, type ProcessRecordsInput, type RecordProcessor } from 'millrace';
import { TestStream } from '../src';

let stream: TestStream;
afterEach(() => stream.close());

/** Takes everything but records with this text. */
function failingAt(text: string, name = false): RecordProcessor {
  return {
    processRecords: async ({ records, checkpointer }: ProcessRecordsInput) => {
      const failed = records.find(({ data }) => Buffer.from(data).toString() === text);
      if (failed !== undefined) throw name ? new RecordFailedError(failed) : new Error('no');
      await checkpointer.checkpoint();
    },
  };
}

const flights = Array.from({ length: 20 }, (_, index) => ({
  partitionKey: `key ${index % 5}`,
  data: `flight ${index}`,
}));

it('keeps a record that cannot be processed as a dead letter, and goes on', async () => {
  stream = new TestStream({ shardCount: 2 });
  const letters: DeadLetter[] = [];
  await stream.startWorker({
    processorFactory: () => failingAt('flight 7'),
    failurePolicy: { deadLetter: async (letter) => void letters.push(letter) },
    retry: { maxAttempts: 3 },
  });
  stream.put(flights);
  await stream.untilProcessed();
  expect(letters.map(({ record }) => Buffer.from(record.data).toString())).toEqual(['flight 7']);
  stream.assertNothingLost();
  await stream.untilAcknowledged();
});

it('has the record in the sink or sees it again when a worker dies while the letter is written', async () => {
  stream = new TestStream({ shardCount: 1 });
  const letters: string[] = [];
  const first = await stream.startWorker({
    processorFactory: () => failingAt('flight 7', true),
    failurePolicy: { deadLetter: () => new Promise(() => undefined) },
    retry: { maxAttempts: 1 },
  });
  stream.put(flights);
  await stream.until(() => stream.deliveries.length > 0);
  await stream.advance(1_000);
  first.crash();
  const second = await stream.startWorker({
    processorFactory: () => failingAt('flight 7', true),
    failurePolicy: {
      deadLetter: async ({ workerId }) => void letters.push(workerId),
    },
    retry: { maxAttempts: 1 },
  });
  await stream.untilProcessed();
  stream.assertNothingLost();
  expect(letters).toEqual([second.worker.workerId]);
});

it('skips a record, and nothing else', async () => {
  stream = new TestStream({ shardCount: 1 });
  const skipped: string[] = [];
  const { worker } = await stream.startWorker({
    processorFactory: () => failingAt('flight 7'),
    failurePolicy: 'skip',
    retry: { maxAttempts: 2 },
  });
  worker.on('recordSkipped', ({ sequenceNumber }) => skipped.push(sequenceNumber));
  stream.put(flights);
  await stream.untilProcessed();
  await stream.untilAcknowledged();
  expect(skipped).toHaveLength(1);
  const failed = new Set(
    stream.deliveries.filter(({ outcome }) => outcome === 'failed').map((one) => one.sequenceNumber),
  );
  const processed = new Set(
    stream.deliveries.filter(({ outcome }) => outcome === 'processed').map((one) => one.sequenceNumber),
  );
  expect([...failed].filter((sequenceNumber) => !processed.has(sequenceNumber))).toEqual(skipped);
});
