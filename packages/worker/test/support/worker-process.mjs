// A worker in a process of its own, on the built package: what a signal or a kill does to it can only be seen there.
// Tells its parent every record that it was given. Acknowledges each batch, until it has seen HOLD_AFTER records: then
// it holds, processed and not acknowledged.
import { stopOnSignals, Worker } from 'millrace';

const { KINESIS_ENDPOINT, DYNAMODB_ENDPOINT, APPLICATION_NAME } = process.env;
const { HOLD_AFTER = 'Infinity', CHECKPOINTING, STOP_TIMEOUT_MS = '30000' } = process.env;
const aws = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
let seen = 0;

const worker = new Worker({
  applicationName: APPLICATION_NAME,
  streamName: 'flights',
  kinesis: { ...aws, endpoint: KINESIS_ENDPOINT },
  dynamodb: { ...aws, endpoint: DYNAMODB_ENDPOINT },
  leases: { failoverTimeMs: 1_500 },
  checkpointing: CHECKPOINTING,
  fetch: { maxRecords: 10, idleTimeBetweenReadsMs: 200 },
  processorFactory: () => ({
    async processRecords({ records, checkpointer }) {
      for (const { data } of records) process.send({ text: new TextDecoder().decode(data) });
      seen += records.length;
      if (seen >= Number(HOLD_AFTER)) {
        process.send({ holding: true });
        await new Promise(() => undefined);
      }
      await checkpointer.checkpoint();
      process.send({ acknowledged: records.length });
    },
  }),
});
stopOnSignals(worker, { timeoutMs: Number(STOP_TIMEOUT_MS) });
await worker.run();
