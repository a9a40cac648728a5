import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import type { Bench, BenchContext } from '../bench';
import { kinesisClient } from '../local/client';
import { ServerProcess } from '../server-process';
import type { AwsReady } from './aws-server';
import { bareDynamoDb } from './clients';
import { reportLines } from './report';
import { rowOf, type Measurement } from './row';
import type { Scenario } from './scenario';
import { scenarios } from './scenarios';
import { parseSettings, settingsUsage } from './settings';

/** Worker processes that start, join, leave and die, on `@millrace/local` in another process, without rate limits. */
export const coordinationBench: Bench = {
  name: 'coordination',
  summary: 'how soon workers share the leases among them: at starts, joins, stops, crashes and deploys',
  options: settingsUsage,
  run: async ({ args, signal, progress }) => {
    const settings = parseSettings(args);
    const measurements: Measurement[] = [];
    for (const scenario of scenarios.filter(({ name }) => settings.scenarios.includes(name))) {
      const runs = settings.runs ?? scenario.runs;
      progress(`${scenario.name}: ${scenario.workers} workers, ${scenario.shards} shards, ${runs} runs`);
      const measurement = await measureAlone(scenario, runs, { signal, progress });
      measurements.push(measurement);
      // Not lost if a later one fails.
      progress(JSON.stringify(rowOf(measurement)));
    }
    return { rows: measurements.map(rowOf), report: reportLines(measurements) };
  },
};

/** Each scenario has a server of its own: none finds what another has left. */
async function measureAlone(
  scenario: Scenario,
  runs: number,
  { signal, progress }: Pick<BenchContext, 'progress' | 'signal'>,
): Promise<Measurement> {
  setMaxListeners(0, signal);
  const server = await ServerProcess.start({ path: join(__dirname, 'aws-server.js') }, signal);
  try {
    const aws = server.ready as AwsReady;
    const kinesis = kinesisClient('http1', aws.endpoint);
    const dynamodb = bareDynamoDb(aws.dynamodbEndpoint);
    const { workers, shards } = scenario;
    const samples = await scenario.measure({ aws, kinesis, dynamodb, workers, shards, runs, signal, progress });
    kinesis.destroy();
    dynamodb.destroy();
    return { scenario, runs, samples };
  } finally {
    await server.stop();
  }
}
