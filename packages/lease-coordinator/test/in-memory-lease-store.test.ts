import { ManualClock } from '@millrace/core/testing';
import { InMemoryLeaseStore } from '../src/testing';
import { describeLeaseStore } from './lease-store-contract';

describeLeaseStore('InMemoryLeaseStore', async () => {
  const store = new InMemoryLeaseStore({ clock: new ManualClock() });
  return {
    store,
    put: async (lease) => store.table.put(lease),
    putWorker: async (worker) => {
      await store.table.registry().heartbeat(worker, { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 0 });
    },
    putCorrupt: async (leaseKey) => store.corrupt(leaseKey, 'broken on purpose'),
  };
});
