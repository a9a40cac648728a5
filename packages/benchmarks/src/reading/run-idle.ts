import type { AwsReady } from '../coordination/aws-server';
import type { IdleMeasured, IdleSettings } from '../processing/messages';
import type { ProcessUsage } from '../processing/process-usage';
import { streamName, warmUpShare } from '../processing/read-in-turns';
import { runBesideServer } from '../processing/run-beside-server';
import type { ServerProcess } from '../server-process';
import type { ScenarioContext } from '../timed-scenario';

/** What a process has used whose shards have no records, from when all of them had been read once. */
export interface IdleRun {
  readonly usage: ProcessUsage;
  /** Empty answers. */
  readonly callsPerSecond: number;
  /** For Kinesis, the most at any moment. */
  readonly connections: number;
  /** The most at any moment. */
  readonly rssBytes: number;
}

export type IdleTask = Pick<
  IdleSettings,
  'applicationName' | 'idleTimeBetweenReadsMs' | 'leases' | 'reader' | 'shards'
>;

/** On a server of empty answers; `nodeArguments` are those of the process that reads. */
export async function runIdle(
  server: ServerProcess,
  task: IdleTask,
  { seconds, profileDirectory, signal, progress }: ScenarioContext,
  nodeArguments: readonly string[] = [],
): Promise<IdleRun> {
  const { endpoint, dynamodbEndpoint } = server.ready as AwsReady;
  const measuredMs = seconds * 1_000;
  const settings: IdleSettings = {
    ...{ ...task, streamName, kinesisEndpoint: endpoint, dynamodbEndpoint },
    ...{ measuredMs, warmUpMs: measuredMs * warmUpShare },
  };
  const { last, seen } = await runBesideServer(server, {
    script: 'idle-script.js',
    ...{ settings, profileDirectory, nodeArguments, signal },
  });
  const { usage, rssBytes } = last as IdleMeasured;
  const { callsPerSecond, connections } = seen;
  progress(
    `${task.applicationName}: ${Math.round(callsPerSecond)} calls/s, ${coresOf(usage).toFixed(3)} cores, ` +
      `${(rssBytes / 1e6).toFixed(1)} MB, ${connections} connections; server ${seen.serverCores.toFixed(2)} cores`,
  );
  return { usage, callsPerSecond, connections, rssBytes };
}

/** Of the whole process. */
export function coresOf({ cpuMs, seconds }: Pick<ProcessUsage, 'cpuMs' | 'seconds'>): number {
  return cpuMs / (seconds * 1_000);
}
