/**
 * What became of one write of a checkpoint.
 *
 * - `stored`: the lease row says so, even if the lease is lost since.
 * - `lost`: the lease is not ours any longer. `stored` tells whether the checkpoint is proven not stored or unknown.
 * - `failed`: the lease is still held and the write may be tried again; the checkpoint is not known to be stored.
 */
export type CheckpointOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'lost'; readonly stored: 'no' | 'unknown'; readonly error?: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };
