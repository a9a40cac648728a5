import type { LeaseObserverEvents } from '@millrace/lease-coordinator';
import type { WorkerEmitter } from './worker-emitter';

/**
 * The coordinator's reports as the worker's events: a lease is named by its shard. `setProblem` is told why the lease
 * table cannot be used, and `undefined` once it was read again.
 */
export function leaseEvents(
  emitter: WorkerEmitter,
  setProblem: (problem: string | undefined) => void,
): LeaseObserverEvents {
  return {
    listed: () => setProblem(undefined),
    tableFailing: ({ operation, error }) => {
      setProblem(`the lease table fails: ${operation}`);
      emitter.emit('leaseTableFailing', { operation, error });
    },
    taken: ({ leaseKey: shardId, fencingToken }) => emitter.emit('leaseTaken', { shardId, fencingToken, how: 'taken' }),
    adopted: ({ leaseKey: shardId, fencingToken }) =>
      emitter.emit('leaseTaken', { shardId, fencingToken, how: 'handed-over' }),
    handedOver: ({ leaseKey: shardId, to: receiver }) => emitter.emit('leaseHandedOver', { shardId, receiver }),
    released: ({ leaseKey: shardId }) => emitter.emit('leaseReleased', { shardId }),
    lost: ({ leaseKey: shardId }) => emitter.emit('leaseLost', { shardId }),
    corrupt: (payload) => emitter.emit('leaseCorrupt', payload),
    tableThrottled: ({ operation }) => emitter.emit('leaseTableThrottled', { operation }),
  };
}
