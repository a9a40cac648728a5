import { join } from 'node:path';
import type { AwsReady } from '../coordination/aws-server';
import { settingsVariable } from '../coordination/messages';
import { ServerProcess } from '../server-process';
import type { ScenarioContext } from '../timed-scenario';
import type { PageShape, PrebuiltSettings, Reader, ReaderDone, ReaderMessage, ReaderSettings } from './messages';
import { runChild } from './run-child';
import type { Comparison, Cost, Measurement, ScenarioName } from './scenario';

const readers: readonly Reader[] = ['bare', 'sdk', 'direct'];
const streamName = 'prebuilt';
/** Of the time that is measured: before it, and after everything was read once. */
const warmUpShare = 1 / 4;
/** Above that the server may have been what was waited for. */
const maxServerCores = 0.8;

/**
 * A worker beside a bare loop, both on the SDK's client and in a process of its own, one after another, on prebuilt answers of a
 * third process. They read at the same pace, that of a shard's limits, and leave the processor some rest: what is compared
 * is the processor time for a record. Then the same worker with calls of its own.
 */
export async function measureReading(
  name: ScenarioName,
  shape: PageShape & { readonly shards: number },
  context: ScenarioContext,
): Promise<readonly Measurement[]> {
  const { runs, signal } = context;
  const settings: PrebuiltSettings = { streamName, ...shape };
  const environment = { [settingsVariable]: JSON.stringify(settings) };
  const server = await ServerProcess.start({ path: join(__dirname, 'prebuilt-server.js'), environment }, signal);
  try {
    const costs: Readonly<Record<Reader, Cost>>[] = [];
    for (let run = 1; run <= runs; run++) {
      const cost: Partial<Record<Reader, Cost>> = {};
      // Each goes first once: neighbours on a machine come and go.
      for (const reader of [...readers.slice(run % 3), ...readers.slice(0, run % 3)]) {
        cost[reader] = await readOnce(server, `${name}-${reader}-${run}`, { ...settings, reader }, context);
      }
      costs.push(cost as Readonly<Record<Reader, Cost>>);
    }
    const against = (reader: Reader): readonly Comparison[] =>
      costs.map((cost) => ({ ours: cost[reader], bare: cost.bare }));
    return [
      { name, runs, samples: { comparisons: against('sdk') } },
      { name: `${name}-direct`, runs, samples: { comparisons: against('direct') } },
    ];
  } finally {
    await server.stop();
  }
}

async function readOnce(
  server: ServerProcess,
  applicationName: string,
  settings: PrebuiltSettings & Pick<ReaderSettings, 'reader'>,
  { seconds, profileDirectory, signal, progress }: ScenarioContext,
): Promise<Cost> {
  const { endpoint, dynamodbEndpoint } = server.ready as AwsReady;
  const measuredMs = seconds * 1_000;
  const all: ReaderSettings = {
    ...{ ...settings, applicationName, kinesisEndpoint: endpoint, dynamodbEndpoint },
    ...{ measuredMs, warmUpMs: measuredMs * warmUpShare },
  };
  let serverBeganAtMs = Promise.resolve(NaN);
  const onMessage = (message: unknown): void => {
    if ((message as ReaderMessage).kind !== 'begun') return;
    serverBeganAtMs = server.cpuMs(signal);
    // Looked at below, if there is a result.
    serverBeganAtMs.catch(() => undefined);
  };
  const done = await runChild({ script: 'reader-script.js', settings: all, onMessage, profileDirectory, signal });
  const { cost } = done as ReaderDone;
  const serverCores = ((await server.cpuMs(signal)) - (await serverBeganAtMs)) / (cost.seconds * 1_000);
  progress(
    `${applicationName}: ${Math.round(cost.records / cost.seconds)} records/s, ` +
      `${((cost.cpuMs * 1_000) / cost.records).toFixed(2)} µs each, ${cores(cost.cpuMs / (cost.seconds * 1_000))}; ` +
      `server ${cores(serverCores)}`,
  );
  if (!(serverCores < maxServerCores)) throw new Error(`the server was busy: ${cores(serverCores)}`);
  return cost;
}

function cores(value: number): string {
  return `${value.toFixed(2)} cores`;
}
