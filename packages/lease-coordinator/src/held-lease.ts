import type { Checkpoint, Lease } from '@millrace/core';

/**
 * What became of a checkpoint. `lost`: the lease is no longer ours; `stored` says whether the checkpoint got through.
 * `failed`: nothing is known to be stored, the lease is still held, and the call may be made again.
 */
export type CheckpointOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'lost'; readonly stored: 'no' | 'unknown'; readonly error?: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Skeleton. */
export declare class HeldLease {
  readonly leaseKey: string;
  readonly lease: Lease;
  readonly fencingToken: number;
  get lost(): AbortSignal;
  get expiring(): AbortSignal;
  get handoverRequested(): AbortSignal;
  get closed(): boolean;
  mayDeliver(): boolean;
  checkpoint(checkpoint: Checkpoint): Promise<CheckpointOutcome>;
  release(): Promise<void>;
  abandon(): void;
}
