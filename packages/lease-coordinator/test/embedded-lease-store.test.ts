import { afterAll, beforeAll } from '@jest/globals';
import { embeddedDynamoDb } from './embedded-dynamodb';
import { rowOf } from './lease-rows';
import { describeLeaseStore } from './lease-store-contract';
import { RealLeaseTable } from './real-lease-table';
import { describeWorkerStore } from './worker-store-contract';

// The same contracts as on dynalite's own server: our storage beneath dynalite's expressions is what the test kit and the
// simulation believe, so it must refuse just the writes that dynalite refuses.

const { client, close } = embeddedDynamoDb();
const table = new RealLeaseTable(client);

beforeAll(() => table.create(true));
afterAll(close);

describeLeaseStore('DynamoDbLeaseStore on the embedded DynamoDB', async () => {
  await table.clear();
  return {
    store: table.leaseStore(),
    put: (lease) => table.put(rowOf(lease)),
    putCorrupt: (key) => table.putCorrupt(key),
    putWorker: async (worker) => {
      await table.workerStore().heartbeat(worker, { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 0 });
    },
  };
});

describeWorkerStore('DynamoDbWorkerStore on the embedded DynamoDB', async () => {
  await table.clear();
  return {
    store: table.workerStore(),
    rows: async () => (await table.leaseStore().list({ consistent: true })).workers,
  };
});
