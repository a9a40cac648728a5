export {
  InMemoryLeaseStore,
  type InMemoryLeaseStoreOptions,
  type LeaseCall,
  type LeaseFault,
} from './in-memory-lease-store';
export { InMemoryLeaseTable, type LeaseChange } from './in-memory-lease-table';
