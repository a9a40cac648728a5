/**
 * What became of one write of a checkpoint.
 *
 * - `stored`: the lease row says so.
 * - `lost`: the lease is not ours any longer. `stored` tells whether as much as was asked for is stored all the same, is proven not
 *   stored, or unknown.
 * - `failed`: the lease is still held and the write may be tried again; the checkpoint is not known to be stored.
 */
export type CheckpointOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'lost'; readonly stored: 'yes' | 'no' | 'unknown'; readonly error?: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };
