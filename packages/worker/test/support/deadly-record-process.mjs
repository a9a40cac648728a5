// A worker in a process of its own, on the built package, that aborts, as native code does, when it is given DEADLY_TEXT. Tells its
// parent what it was given, what became a dead letter, and what its health says is wrong.
import { Worker } from 'millrace';

const { KINESIS_ENDPOINT, DYNAMODB_ENDPOINT, APPLICATION_NAME, DEADLY_TEXT, FAILURE_POLICY } = process.env;
const aws = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
const decoder = new TextDecoder();

const worker = new Worker({
  applicationName: APPLICATION_NAME,
  streamName: 'flights',
  kinesis: { ...aws, endpoint: KINESIS_ENDPOINT },
  dynamodb: { ...aws, endpoint: DYNAMODB_ENDPOINT },
  checkpointing: 'automatic',
  leases: { failoverTimeMs: 1_500 },
  fetch: { maxRecords: 40, idleTimeBetweenReadsMs: 200 },
  retry: { maxCrashes: 2 },
  failurePolicy:
    FAILURE_POLICY === 'block'
      ? 'block'
      : {
          deadLetter: async ({ record, reason, attempts }) =>
            process.send({ letter: { text: decoder.decode(record.data), reason, attempts } }),
        },
  processorFactory: () => ({
    processRecords({ records }) {
      const texts = records.map(({ data }) => decoder.decode(data));
      if (texts.includes(DEADLY_TEXT)) process.abort();
      process.send({ texts });
    },
  }),
});
worker.on('recordHeldBack', ({ crashes, resumesInMs }) => {
  process.send({ heldBack: { crashes, resumesInMs } });
});
await worker.run();
