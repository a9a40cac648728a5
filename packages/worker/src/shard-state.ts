import assert from 'node:assert/strict';

/**
 * The life of one shard under one lease.
 *
 * ```
 *                  ┌──────────────┐ initialized ┌────────────┐ shard end reached ┌────────┐ shard end stored ┌───────┐
 *  lease taken ───►│ initializing ├────────────►│ processing ├──────────────────►│ ending ├─────────────────►│ ended │
 *                  └──────┬───────┘             └─────┬──────┘                   └───┬────┘                  └───────┘
 *                         │ shutdown requested        │ shutdown requested          │ shutdown requested
 *                         └─────────────┬─────────────┴─────────────────────────────┘
 *                                       ▼
 *                                 ┌──────────┐ lease given up ┌──────────┐
 *                                 │ draining ├───────────────►│ released │
 *                                 └──────────┘                └──────────┘
 *
 *  from initializing, processing, ending and draining: lease lost ──► lost
 * ```
 */
export type ShardState = 'initializing' | 'processing' | 'ending' | 'draining' | 'ended' | 'released' | 'lost';

export type ShardTransition =
  'initialized' | 'shard-end-reached' | 'shard-end-stored' | 'shutdown-requested' | 'lease-given-up' | 'lease-lost';

const transitions: Record<ShardState, Partial<Record<ShardTransition, ShardState>>> = {
  initializing: { initialized: 'processing', 'shutdown-requested': 'draining', 'lease-lost': 'lost' },
  processing: { 'shard-end-reached': 'ending', 'shutdown-requested': 'draining', 'lease-lost': 'lost' },
  ending: { 'shard-end-stored': 'ended', 'shutdown-requested': 'draining', 'lease-lost': 'lost' },
  draining: { 'lease-given-up': 'released', 'lease-lost': 'lost' },
  ended: {},
  released: {},
  lost: {},
};

/** The state after `transition`. A transition that the diagram does not have is a fault of Millrace itself. */
export function nextShardState(state: ShardState, transition: ShardTransition): ShardState {
  const next = transitions[state][transition];
  assert(next !== undefined, `a shard that is ${state} cannot make the transition ${transition}`);
  return next;
}
