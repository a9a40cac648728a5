import { pageShapes } from '../processing/page-shapes';
import { inTurns, withPrebuilt } from '../processing/read-in-turns';
import type { ScenarioContext } from '../timed-scenario';
import { compare } from './compare';
import { longLeases } from '../processing/long-leases';
import { runIdle } from './run-idle';
import type { Measurement } from './scenario';

/** So many that calls are warm after a few seconds, and so few that a process keeps up. */
const shards = 150;
/** As often as a shard allows, and as the bare loop does. */
const idleTimeBetweenReadsMs = 200;
/** What it costs to ask for records when there are none: processor time of the whole process for each call, next to no renewals with it. */
export async function measureIdlePolls(context: ScenarioContext): Promise<readonly Measurement[]> {
  const { runs, signal } = context;
  const turns = await withPrebuilt({ shards, ...pageShapes.empty }, signal, (server) =>
    inTurns(runs, (reader, run) => {
      const applicationName = `idle-polls-${reader}-${run}`;
      return runIdle(server, { applicationName, reader, shards, idleTimeBetweenReadsMs, leases: longLeases }, context);
    }),
  );
  return compare(turns).map(({ adapter, runs: compared }) => ({
    ...{ scenario: 'idle-polls', adapter, samples: { kind: 'idle-polls', runs: compared } },
  }));
}
