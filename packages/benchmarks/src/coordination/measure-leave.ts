import { isKnown, withBusyFleet } from './busy-fleet';
import type { Fleet } from './fleet';
import { acquisitionsOf } from './lease-log';
import { percentile } from './percentile';
import type { Samples, ScenarioContext } from './scenario';

interface Leave {
  readonly balancedMs: number;
  readonly unreadMs: readonly number[];
  readonly moves: readonly number[];
}

/**
 * One worker of several is sent a signal, and a new process takes its place once the others are even. For each shard of the
 * leaver it is measured how long it took from the signal until another worker's handler was given records of it. The victim is
 * by turns the oldest, the second oldest, and so on.
 */
export async function measureLeave(
  signal: 'SIGKILL' | 'SIGTERM',
  name: string,
  context: ScenarioContext,
): Promise<Samples> {
  const { changes, account } = await withBusyFleet(context, name, context.workers, async (fleet) => {
    const leaves: Leave[] = [];
    for (let run = 1; run <= context.runs; run++) {
      // In the place of the one that has left in the run before.
      if (run > 1) {
        await fleet.go(await fleet.prepare(1));
        await fleet.untilEven();
      }
      const leave = await leaveOnce(fleet, signal, run - 1);
      leaves.push(leave);
      context.progress(
        `${name}, run ${run}: ${leave.unreadMs.length} shards unread for ` +
          `${Math.round(percentile(leave.unreadMs, 0.5))} ms, at most ${Math.round(Math.max(...leave.unreadMs))} ms; ` +
          `even after ${Math.round(leave.balancedMs)} ms`,
      );
    }
    return leaves;
  });
  return {
    balancedMs: changes.map(({ balancedMs }) => balancedMs),
    unreadMs: changes.flatMap(({ unreadMs }) => unreadMs),
    moves: changes.flatMap(({ moves }) => moves),
    ...account,
  };
}

async function leaveOnce(fleet: Fleet, signal: 'SIGKILL' | 'SIGTERM', turn: number): Promise<Leave> {
  const victim = fleet.live[turn % fleet.live.length];
  if (victim === undefined) throw new Error('there is no worker to send away');
  const shardIds = fleet.heldBy(victim);
  const leftAtMs = fleet.sendAway(victim, signal);
  const waits = (): readonly (number | undefined)[] => fleet.deliveries.waitsMs(shardIds, victim.name, leftAtMs);
  await fleet.until('reading the shards of the one that left', () => waits().every(isKnown));
  await victim.child.gone;
  const evenAtMs = await fleet.untilEven();
  return {
    balancedMs: evenAtMs - leftAtMs,
    unreadMs: waits().filter(isKnown),
    moves: [...acquisitionsOf(fleet.leases.events, leftAtMs).values()],
  };
}
