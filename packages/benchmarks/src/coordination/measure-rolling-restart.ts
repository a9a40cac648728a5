import { withBusyFleet } from './busy-fleet';
import type { Fleet } from './fleet';
import { acquisitionsOf } from './lease-log';
import type { Samples, ScenarioContext } from './scenario';
import { sharedNowMs } from './shared-time';

interface Restart {
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  readonly moves: readonly number[];
}

/**
 * One worker after the other is stopped by SIGTERM and, when its process has ended, replaced by a new one; the next follows
 * when the fleet is even. Moves are counted for every lease, also for one that never moves. How long a shard was unread is the
 * longest time between two deliveries of its records. That has in it the pause between two reads of a shard that has nothing
 * new, which is a second by default.
 */
export async function measureRollingRestart(context: ScenarioContext): Promise<Samples> {
  const { changes, account, fleet } = await withBusyFleet(context, 'rolling-restart', context.workers, async (busy) => {
    const restarts: Restart[] = [];
    for (let run = 1; run <= context.runs; run++) {
      const restart = await restartAll(busy, context.shards);
      restarts.push(restart);
      context.progress(
        `rolling-restart, run ${run}: ${Math.round(restart.endedAtMs - restart.beganAtMs)} ms, ` +
          `at most ${Math.max(...restart.moves)} moves of a lease`,
      );
    }
    return restarts;
  });
  return {
    // After draining: the last gap of each shard has its end.
    unreadMs: changes.flatMap(({ beganAtMs, endedAtMs }) => fleet.deliveries.longestGapsMs(beganAtMs, endedAtMs)),
    moves: changes.flatMap(({ moves }) => moves),
    ...account,
  };
}

async function restartAll(fleet: Fleet, shards: number): Promise<Restart> {
  const beganAtMs = sharedNowMs();
  for (const member of fleet.live) {
    fleet.sendAway(member, 'SIGTERM');
    await member.child.gone;
    await fleet.go(await fleet.prepare(1));
    await fleet.untilEven();
  }
  const moved = [...acquisitionsOf(fleet.leases.events, beganAtMs).values()];
  const unmoved = Array.from({ length: shards - moved.length }, () => 0);
  return { beganAtMs, endedAtMs: sharedNowMs(), moves: [...moved, ...unmoved] };
}
