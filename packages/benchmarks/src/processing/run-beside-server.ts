import type { ServerProcess } from '../server-process';
import type { IdleMessage, PrebuiltUsage, ReaderMessage } from './messages';
import { runChild, type ChildTask } from './run-child';

/** What a server of prebuilt answers saw of a process. */
export interface SeenByServer {
  /** Of the time that the process measured: processor time of the server, as a share of that time. */
  readonly serverCores: number;
  /** Answers of GetRecords in the same time. */
  readonly callsPerSecond: number;
  /** The most connections for Kinesis that the process had at once, at any moment. */
  readonly connections: number;
}

export interface RunBesideServer {
  /** The last message of the process. */
  readonly last: unknown;
  readonly seen: SeenByServer;
}

/**
 * Runs a process that reads from the server, says when it begins to measure, and ends by a message with what it has
 * measured, as the readers and the idle process do.
 *
 * @throws as `runChild`
 */
export async function runBesideServer(server: ServerProcess, task: ChildTask): Promise<RunBesideServer> {
  const { signal } = task;
  const usage = async (): Promise<PrebuiltUsage> => (await server.usage(signal)) as PrebuiltUsage;
  // What connections there were before does not count.
  let asked = usage();
  const answers: Promise<PrebuiltUsage>[] = [];
  const onMessage = (message: unknown): void => {
    task.onMessage?.(message);
    if ((message as IdleMessage | ReaderMessage).kind !== 'begun' && answers.length === 0) return;
    // One after another. At the last message, not behind the end of the process, which takes a while.
    asked = asked.then(usage);
    // Looked at below, if there is a result.
    asked.catch(() => undefined);
    answers.push(asked);
  };
  await asked;
  const last = await runChild({ ...task, onMessage });
  const [from, until] = await Promise.all(answers);
  if (from === undefined || until === undefined) throw new Error(`${task.script} has not measured anything`);
  return { last, seen: seenBetween(from, until) };
}

/** Asked for when the process began to measure, and when it had. */
export function seenBetween(from: PrebuiltUsage, until: PrebuiltUsage): SeenByServer {
  const ms = until.atMs - from.atMs;
  return {
    serverCores: (until.cpuMs - from.cpuMs) / ms,
    callsPerSecond: ((until.getRecordsCalls - from.getRecordsCalls) * 1_000) / ms,
    connections: Math.max(from.mostConnections, until.mostConnections),
  };
}
