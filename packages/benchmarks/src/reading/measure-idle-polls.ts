import { pageShapes } from '../processing/page-shapes';
import { inTurns, withPrebuilt } from '../processing/read-in-turns';
import type { ScenarioContext } from '../timed-scenario';
import { compare } from './compare';
import { longLeases } from '../processing/long-leases';
import { runIdle } from './run-idle';
import type { IdlePollsName, Measurement } from './scenario';

/** `idle-polls`: so few that every process keeps up. `-busy`: half as many again as the quickest can keep up with, or more. */
const shardsOf: Readonly<Record<IdlePollsName, number>> = { 'idle-polls': 150, 'idle-polls-busy': 1_000 };
/** As often as a shard allows, and as the bare loop does. */
const idleTimeBetweenReadsMs = 200;

/** What it costs to ask for records when there are none: processor time of the whole process for each call, next to no renewals with it. */
export async function measureIdlePolls(name: IdlePollsName, context: ScenarioContext): Promise<readonly Measurement[]> {
  const { runs, signal } = context;
  const shards = shardsOf[name];
  const turns = await withPrebuilt({ shards, ...pageShapes.empty }, signal, (server) =>
    inTurns(runs, (reader, run) => {
      const applicationName = `${name}-${reader}-${run}`;
      return runIdle(server, { applicationName, reader, shards, idleTimeBetweenReadsMs, leases: longLeases }, context);
    }),
  );
  return compare(turns).map(({ adapter, runs: compared }) => ({
    ...{ scenario: name, adapter, samples: { kind: 'idle-polls', runs: compared } },
  }));
}
