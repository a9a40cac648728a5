import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kinesis } from '@aws-sdk/client-kinesis';
import type { AwsReady } from '../coordination/aws-server';
import { Children, type Child } from '../coordination/children';
import { settingsVariable } from '../coordination/messages';
import { sharedNowMs } from '../coordination/shared-time';
import { kinesisClient } from '../local/client';
import { ServerProcess } from '../server-process';
import type { ScenarioContext } from '../timed-scenario';
import type { LimitedSettings, Stamp, TailMessage, TailSettings } from './messages';
import { profiling } from './run-child';

const stream: LimitedSettings = { streamName: 'tailed', shards: 1 };
/** A worker that needs longer to start never reads, nor does one that has not got the last record by then. */
const limitMs = 30_000;
const pollMs = 10;
/** Between records, at random, so that they come at any moment between two reads. */
const gapMs = { least: 20, most: 180 };

export type Tailed = Extract<TailMessage, { kind: 'tailed' }>;

export interface TailTask {
  readonly applicationNames: readonly string[];
  readonly idleTimeBetweenReadsMs?: number;
  /** For how long records come before they count, of the time that is measured. */
  readonly settleShare: number;
}

interface Tail {
  readonly child: Child;
  isTailing: boolean;
  tailed: Tailed | undefined;
}

/** One worker for each application, all at the tip of one shard, into which records come one by one. */
export async function tailTogether(task: TailTask, context: ScenarioContext): Promise<readonly Tailed[]> {
  const { seconds, signal } = context;
  const environment = { [settingsVariable]: JSON.stringify(stream) };
  const server = await ServerProcess.start({ path: join(__dirname, 'limited-server.js'), environment }, signal);
  const aws = server.ready as AwsReady;
  const kinesis = kinesisClient('http1', aws.endpoint);
  const children = new Children();
  const failed = new AbortController();
  const until = AbortSignal.any([signal, failed.signal]);
  try {
    const tails = task.applicationNames.map((applicationName) =>
      begin(children, settingsOf(aws, applicationName, task), context, (error) => failed.abort(error)),
    );
    await untilAll(tails, ({ isTailing }) => isTailing, until);
    await putOneByOne(kinesis, 'settling', seconds * 1_000 * task.settleShare, until);
    for (const { child } of tails) child.go();
    const records = await putOneByOne(kinesis, 'counted', seconds * 1_000, until);
    for (const { child } of tails) child.kill('SIGTERM');
    await put(kinesis, 'last', until);
    await untilAll(tails, ({ tailed }) => tailed !== undefined, until);
    const all = tails.flatMap(({ tailed }) => tailed ?? []);
    for (const { latenciesMs } of all) {
      if (latenciesMs.length !== records) throw new Error(`${latenciesMs.length} of ${records} records have come`);
    }
    return all;
  } catch (error) {
    // What has failed says more than that it was waited for.
    throw failed.signal.aborted && !signal.aborted ? failed.signal.reason : error;
  } finally {
    await children.close();
    kinesis.destroy();
    await server.stop();
  }
}

function settingsOf(aws: AwsReady, applicationName: string, { idleTimeBetweenReadsMs }: TailTask): TailSettings {
  const { endpoint: kinesisEndpoint, dynamodbEndpoint } = aws;
  return { ...stream, kinesisEndpoint, dynamodbEndpoint, applicationName, idleTimeBetweenReadsMs };
}

function begin(
  children: Children,
  settings: TailSettings,
  { profileDirectory }: ScenarioContext,
  fail: (error: Error) => void,
): Tail {
  const hear = (message: unknown): void => {
    const heard = message as TailMessage;
    if (heard.kind === 'tailed') tail.tailed = heard;
    else tail.isTailing = true;
  };
  const path = join(__dirname, 'tail-script.js');
  const tail: Tail = {
    child: children.fork(path, settings, hear, profiling(profileDirectory)),
    isTailing: false,
    tailed: undefined,
  };
  void tail.child.gone.then((how) => {
    if (tail.tailed === undefined) fail(new Error(`${settings.applicationName} has ended unexpectedly: ${how}`));
  });
  return tail;
}

async function untilAll(tails: readonly Tail[], isSo: (tail: Tail) => boolean, signal: AbortSignal): Promise<void> {
  const giveUpAtMs = performance.now() + limitMs;
  while (!tails.every(isSo)) {
    if (performance.now() > giveUpAtMs) throw new Error(`not all workers got there in ${limitMs / 1_000} s`);
    await sleep(pollMs, undefined, { signal });
  }
}

/** Returns how many records were put. */
async function putOneByOne(kinesis: Kinesis, kind: Stamp['kind'], forMs: number, signal: AbortSignal): Promise<number> {
  let records = 0;
  for (const endAtMs = performance.now() + forMs; performance.now() < endAtMs; records++) {
    await sleep(gapMs.least + Math.random() * (gapMs.most - gapMs.least), undefined, { signal });
    await put(kinesis, kind, signal);
  }
  return records;
}

async function put(kinesis: Kinesis, kind: Stamp['kind'], abortSignal: AbortSignal): Promise<void> {
  const stamp: Stamp = { putAtMs: sharedNowMs(), kind };
  const Data = Buffer.from(JSON.stringify(stamp));
  await kinesis.putRecord({ StreamName: stream.streamName, PartitionKey: 'key', Data }, { abortSignal });
}
