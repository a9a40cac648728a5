import { effectiveOwner, type Lease, type StreamIdentity, StreamRecreatedError } from '@millrace/core';

/**
 * The first lease that was created for another stream than `identity`, as the error to throw. Rows that name no stream
 * (the Java KCL's) are nobody's proof.
 */
export function findForeignLease(leases: readonly Lease[], identity: StreamIdentity): StreamRecreatedError | undefined {
  const foreign = leases.find(
    ({ streamArn, streamCreatedAtMs }) =>
      (streamArn !== undefined && streamArn !== identity.streamArn) ||
      (streamCreatedAtMs !== undefined && streamCreatedAtMs !== identity.streamCreatedAtMs),
  );
  if (foreign === undefined) return undefined;
  return new StreamRecreatedError(identity.streamName, {
    leaseKey: foreign.leaseKey,
    storedArn: foreign.streamArn,
    storedCreatedAtMs: foreign.streamCreatedAtMs,
    actualArn: identity.streamArn,
    actualCreatedAtMs: identity.streamCreatedAtMs,
  });
}

/**
 * Whether a KCL from 1 to 3.4 holds the lease, or held it last: such rows do not say what they are, and were not written
 * by the owner that they name in our way.
 */
export function isHeldByOlderKcl(lease: Lease): boolean {
  const owner = effectiveOwner(lease);
  if (lease.typed || lease.handedOver || owner === undefined || lease.checkpoint.kind === 'shard-end') return false;
  return lease.writeId?.startsWith(`${owner}/`) !== true;
}
