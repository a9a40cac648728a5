import { join } from 'node:path';
import type { AwsReady } from '../coordination/aws-server';
import { settingsVariable } from '../coordination/messages';
import { ServerProcess } from '../server-process';
import type { ScenarioContext } from '../timed-scenario';
import type { FullMemoryDone, FullMemorySettings, PrebuiltSettings } from './messages';
import { runChild } from './run-child';
import type { Measurement } from './scenario';

const budgetBytes = 256_000_000;
/** Pages of 10 MB, the most that an answer may hold; fewer records if a worker asks for fewer. */
const prebuilt: PrebuiltSettings = {
  ...{ streamName: 'full', shards: 50 },
  ...{ recordsPerPage: 10_000, userRecordsPerRecord: 1, dataBytes: 1_000 },
};

/**
 * How much memory a process has at the most whose worker reads 50 shards that are far behind, with a budget of 256 MB, while its handlers
 * wait: until the budget is used up, and a while from then on. Then also when everything goes on at once.
 */
export async function measureFullMemory(context: ScenarioContext): Promise<readonly Measurement[]> {
  const { runs, signal } = context;
  const environment = { [settingsVariable]: JSON.stringify(prebuilt) };
  const server = await ServerProcess.start({ path: join(__dirname, 'prebuilt-server.js'), environment }, signal);
  try {
    const measurements: Measurement[] = [];
    for (const awsCalls of ['direct', 'sdk'] as const) {
      const name = awsCalls === 'direct' ? 'full-memory' : 'full-memory-sdk';
      const whileWaiting: number[] = [];
      const afterwards: number[] = [];
      for (let run = 1; run <= runs; run++) {
        const { endpoint, dynamodbEndpoint } = server.ready as AwsReady;
        const access = { kinesisEndpoint: endpoint, dynamodbEndpoint, applicationName: `${name}-${run}` };
        const { blockedPeakBytes, rssBytes } = await rssOf({ ...prebuilt, ...access, awsCalls }, context);
        whileWaiting.push(blockedPeakBytes);
        afterwards.push(rssBytes);
      }
      measurements.push({ name, runs, samples: { rssBytes: whileWaiting } });
      measurements.push({ name: `${name}-afterwards`, runs, samples: { rssBytes: afterwards } });
    }
    return measurements;
  } finally {
    await server.stop();
  }
}

async function rssOf(
  access: Omit<FullMemorySettings, 'budgetBytes' | 'measuredMs'>,
  { seconds, profileDirectory, signal, progress }: ScenarioContext,
): Promise<FullMemoryDone> {
  const settings: FullMemorySettings = { ...access, budgetBytes, measuredMs: seconds * 1_000 };
  const last = await runChild({ script: 'full-memory-script.js', settings, profileDirectory, signal });
  const done = last as FullMemoryDone;
  const { rssBytes, blockedRssBytes, blockedPeakBytes, usedBytes, waitingShards, batches } = done;
  progress(
    `${access.applicationName}: ${megabytes(rssBytes)} MB at the most; ${megabytes(blockedRssBytes)} MB while the handlers waited, ` +
      `${megabytes(blockedPeakBytes)} MB at the most by then, ${megabytes(usedBytes)} MB of the budget used; ` +
      `${batches[0]} batches, and ${batches[1]} afterwards`,
  );
  // With its share in hand a shard gets no more from the second half of the budget: less than all of it may be in use.
  if (waitingShards === 0) throw new Error('no shard waited for the budget');
  if (batches[1] === 0) throw new Error('nothing came afterwards');
  return done;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
