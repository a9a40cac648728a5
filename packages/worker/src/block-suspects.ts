import type { BusyCall } from './progress-watchdog';
import type { BlockSuspect } from './worker-events';

/** Of the block: whoever held the thread for so long is to blame, and nobody else. */
const blamedFrom = 1 / 2;

/**
 * Which calls may have blocked the event loop for so long, and whether that is certain. What runs after the first `await` of a call
 * cannot be told apart: then it may be any of those that were under way, or none.
 */
export function blockSuspects(
  calls: readonly (BusyCall & { readonly shardId: string })[],
  blockedMs: number,
): { readonly suspects: readonly BlockSuspect[]; readonly areCertain: boolean } {
  const culprits = calls.filter(({ heldMs }) => heldMs >= blockedMs * blamedFrom);
  const areCertain = culprits.length > 0;
  const suspects = (areCertain ? culprits : calls).map(({ shardId, step, recordCount }) => ({
    shardId,
    step,
    recordCount,
  }));
  return { suspects, areCertain };
}
