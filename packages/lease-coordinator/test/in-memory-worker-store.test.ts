import { InMemoryLeaseTable } from '../src/testing';
import { describeWorkerStore } from './worker-store-contract';

describeWorkerStore('the registry of InMemoryLeaseTable', async () => {
  const table = new InMemoryLeaseTable();
  return { store: table.registry(), rows: async () => table.workers() };
});
