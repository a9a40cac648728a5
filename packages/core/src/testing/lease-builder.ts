import { TRIM_HORIZON } from '../checkpoint';
import type { Lease } from '../lease';

/** A lease for tests: unowned, unread, with `changes` laid over it. */
export function aLease(changes: Partial<Lease> = {}): Lease {
  return {
    leaseKey: 'shardId-000000000000',
    leaseCounter: 0,
    leaseOwner: undefined,
    checkpointOwner: undefined,
    checkpoint: TRIM_HORIZON,
    parentShardIds: [],
    childShardIds: [],
    hashKeyRange: { start: '0', end: String(2n ** 128n - 1n) },
    ownerSwitchesSinceCheckpoint: 0,
    typed: true,
    receiver: undefined,
    handedOver: false,
    evicted: false,
    healed: false,
    root: false,
    failoverTimeMs: undefined,
    acquiredAtMs: undefined,
    writeId: undefined,
    initialTimestampMs: undefined,
    streamArn: undefined,
    streamCreatedAtMs: undefined,
    attempted: [],
    ...changes,
  };
}
