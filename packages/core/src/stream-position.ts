/**
 * Where an application starts that has no leases yet; ignored for every shard that has one.
 *
 * `LATEST` is fixed once for the application as the moment of its first start, so that a restart before the first
 * checkpoint misses nothing.
 */
export type InitialPosition =
  | 'TRIM_HORIZON'
  | 'LATEST'
  | { /** Records that arrived at or after this moment, by the service's clock. */ readonly timestamp: Date };

/** Where to start reading a shard. */
export type StartPosition =
  | { readonly kind: 'trim-horizon' }
  | { readonly kind: 'at-timestamp'; readonly timestampMs: number }
  /** At, not after: the record may be an aggregate that was acknowledged in part. */
  | { readonly kind: 'at-sequence-number'; readonly sequenceNumber: string };
