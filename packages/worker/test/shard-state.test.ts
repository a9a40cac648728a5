import { describe, expect, it } from '@jest/globals';
import { nextShardState, type ShardState, type ShardTransition } from '../src/shard-state';

const states: ShardState[] = ['initializing', 'processing', 'ending', 'draining', 'ended', 'released', 'lost'];
const transitions: ShardTransition[] = [
  'initialized',
  'shard-end-reached',
  'shard-end-stored',
  'shutdown-requested',
  'lease-given-up',
  'lease-lost',
];

describe('nextShardState', () => {
  it('allows what the diagram shows, and nothing else', () => {
    const allowed = states.flatMap((state) =>
      transitions.flatMap((transition) => {
        try {
          return [`${state} --${transition}--> ${nextShardState(state, transition)}`];
        } catch {
          return [];
        }
      }),
    );
    expect(allowed).toEqual([
      'initializing --initialized--> processing',
      'initializing --shutdown-requested--> draining',
      'initializing --lease-lost--> lost',
      'processing --shard-end-reached--> ending',
      'processing --shutdown-requested--> draining',
      'processing --lease-lost--> lost',
      'ending --shard-end-stored--> ended',
      'ending --shutdown-requested--> draining',
      'ending --lease-lost--> lost',
      'draining --lease-given-up--> released',
      'draining --lease-lost--> lost',
    ]);
  });
});
