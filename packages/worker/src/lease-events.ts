import { type LeaseObserverEvents, throttledAdvice } from '@millrace/lease-coordinator';
import type { TableHealth } from './table-health';
import type { WorkerEmitter } from './worker-emitter';

/**
 * The coordinator's reports as the worker's events: a lease is named by its shard. `table` learns what became of calls;
 * `blockedMs` says for how long this process has stood still of late, if that is long enough to cost a lease.
 */
export function leaseEvents(
  emitter: WorkerEmitter,
  table: TableHealth,
  blockedMs: () => number | undefined,
): LeaseObserverEvents {
  return {
    listed: () => table.read(),
    written: () => table.written(),
    tableFailing: ({ operation, error }) => {
      table.failed(operation);
      emitter.emit('leaseTableFailing', { operation, error });
    },
    taken: ({ leaseKey: shardId, fencingToken }) => emitter.emit('leaseTaken', { shardId, fencingToken, how: 'taken' }),
    adopted: ({ leaseKey: shardId, fencingToken }) =>
      emitter.emit('leaseTaken', { shardId, fencingToken, how: 'handed-over' }),
    handedOver: ({ leaseKey: shardId, to: receiver }) => emitter.emit('leaseHandedOver', { shardId, receiver }),
    evicted: ({ leaseKey: shardId, owner }) => emitter.emit('leaseEvicted', { shardId, owner }),
    released: ({ leaseKey: shardId }) => emitter.emit('leaseReleased', { shardId }),
    lost: ({ leaseKey: shardId }) => emitter.emit('leaseLost', { shardId, blockedMs: blockedMs() }),
    corrupt: (payload) => emitter.emit('leaseCorrupt', payload),
    tableThrottled: ({ operation }) => emitter.emit('leaseTableThrottled', { operation, advice: throttledAdvice }),
  };
}
