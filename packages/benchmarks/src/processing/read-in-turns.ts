import { join } from 'node:path';
import type { AwsReady } from '../coordination/aws-server';
import { settingsVariable } from '../coordination/messages';
import { ServerProcess } from '../server-process';
import type { ScenarioContext } from '../timed-scenario';
import { longLeases } from './long-leases';
import type { PageShape, PrebuiltSettings, Reader, ReaderDone, ReaderSettings } from './messages';
import { runBesideServer, type SeenByServer } from './run-beside-server';

export const readers: readonly Reader[] = ['bare', 'sdk', 'direct'];
export const streamName = 'prebuilt';
/** Of the time that is measured: before it, and after everything was read once. */
export const warmUpShare = 1 / 4;
/** Above that the server may have been what was waited for. */
const maxServerCores = 0.8;

export type StreamShape = PageShape & { readonly shards: number };
export type ReaderRun = Pick<ReaderDone, 'busyShare' | 'cost'> & Pick<SeenByServer, 'callsPerSecond'>;
/** One run of each reader. */
export type Turns<Run> = Readonly<Record<Reader, Run>>;

/** With a server of prebuilt answers, which is stopped afterwards. */
export async function withPrebuilt<T>(
  shape: StreamShape,
  signal: AbortSignal,
  use: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  const settings: PrebuiltSettings = { streamName, ...shape };
  const environment = { [settingsVariable]: JSON.stringify(settings) };
  const server = await ServerProcess.start({ path: join(__dirname, 'prebuilt-server.js'), environment }, signal);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** Each reader `runs` times, one after another, and each first in turn: neighbours on a machine come and go. */
export async function inTurns<Run>(
  runs: number,
  measure: (reader: Reader, run: number) => Promise<Run>,
): Promise<readonly Turns<Run>[]> {
  const all: Turns<Run>[] = [];
  for (let run = 1; run <= runs; run++) {
    const turns: Partial<Record<Reader, Run>> = {};
    const first = run % readers.length;
    for (const reader of [...readers.slice(first), ...readers.slice(0, first)]) {
      turns[reader] = await measure(reader, run);
    }
    all.push(turns as Turns<Run>);
  }
  return all;
}

/**
 * A worker beside a bare loop, both on the SDK's client and in a process of its own, on prebuilt answers of a third process; and
 * the same worker with calls of its own. All keep to the limits of a shard: how many shards there are decides whether that leaves
 * the processor some rest.
 */
export function readInTurns(
  name: string,
  shape: StreamShape,
  context: ScenarioContext,
): Promise<readonly Turns<ReaderRun>[]> {
  return withPrebuilt(shape, context.signal, (server) =>
    inTurns(context.runs, (reader, run) => readOnce(server, `${name}-${reader}-${run}`, { ...shape, reader }, context)),
  );
}

async function readOnce(
  server: ServerProcess,
  applicationName: string,
  settings: Pick<ReaderSettings, 'reader'> & StreamShape,
  { seconds, profileDirectory, signal, progress }: ScenarioContext,
): Promise<ReaderRun> {
  const { endpoint, dynamodbEndpoint } = server.ready as AwsReady;
  const measuredMs = seconds * 1_000;
  const all: ReaderSettings = {
    ...{ ...settings, streamName, applicationName, kinesisEndpoint: endpoint, dynamodbEndpoint },
    ...{ leases: longLeases, measuredMs, warmUpMs: measuredMs * warmUpShare },
  };
  const task = { script: 'reader-script.js', settings: all, profileDirectory, signal };
  const { last, seen } = await runBesideServer(server, task);
  const { cost, busyShare } = last as ReaderDone;
  const { serverCores, callsPerSecond } = seen;
  progress(
    `${applicationName}: ${Math.round(cost.records / cost.seconds)} records/s, ` +
      `${((cost.cpuMs * 1_000) / cost.records).toFixed(2)} µs each, ${cores(cost.cpuMs / (cost.seconds * 1_000))}; ` +
      `server ${cores(serverCores)}`,
  );
  if (!(serverCores < maxServerCores)) throw new Error(`the server was busy: ${cores(serverCores)}`);
  return { cost, busyShare, callsPerSecond };
}

function cores(value: number): string {
  return `${value.toFixed(2)} cores`;
}
