import { withBusyFleet } from './busy-fleet';
import type { Fleet } from './fleet';
import { acquisitionsOf } from './lease-log';
import type { Samples, ScenarioContext } from './scenario';

interface Join {
  readonly balancedMs: number;
  readonly firstRecordMs: number;
  readonly moves: readonly number[];
}

/**
 * A worker joins one that holds all leases: from when the newcomer's `run()` was called until even, and until its handler was
 * given its first records. Afterwards it leaves again, and the next run has a new process. Moves are counted for the leases
 * that moved.
 */
export async function measureJoin(context: ScenarioContext): Promise<Samples> {
  const { changes, account } = await withBusyFleet(context, 'join', context.workers - 1, async (fleet) => {
    const joins: Join[] = [];
    for (let run = 1; run <= context.runs; run++) {
      const join = await joinOnce(fleet);
      joins.push(join);
      context.progress(
        `join, run ${run}: even after ${Math.round(join.balancedMs)} ms, ` +
          `first record after ${Math.round(join.firstRecordMs)} ms`,
      );
    }
    return joins;
  });
  return {
    balancedMs: changes.map(({ balancedMs }) => balancedMs),
    firstRecordMs: changes.map(({ firstRecordMs }) => firstRecordMs),
    moves: changes.flatMap(({ moves }) => moves),
    ...account,
  };
}

async function joinOnce(fleet: Fleet): Promise<Join> {
  const newcomers = await fleet.prepare(1);
  await fleet.go(newcomers);
  const evenAtMs = await fleet.untilEven();
  const [newcomer] = newcomers;
  if (newcomer?.calledAtMs === undefined) throw new Error('the newcomer has not begun');
  const { name, calledAtMs } = newcomer;
  await fleet.until('given records', () => fleet.deliveries.firstMs(name) !== undefined);
  const moves = [...acquisitionsOf(fleet.leases.events, calledAtMs).values()];
  const firstMs = fleet.deliveries.firstMs(name) ?? NaN;
  fleet.sendAway(newcomer, 'SIGTERM');
  await newcomer.child.gone;
  await fleet.untilEven();
  return { balancedMs: evenAtMs - calledAtMs, firstRecordMs: firstMs - calledAtMs, moves };
}
