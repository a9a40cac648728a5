import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { startLocalAws, type LocalAws } from '@millrace/local';
import { runDemo, type Outcome } from './run-demo';
import { reportLines } from './report';
import { PlainView, ScreenView, type View } from './terminal-view';
import { WorkerProcesses } from './worker-processes';

const streamName = 'flights';
const applicationName = 'flight-delays';
const region = 'us-east-1';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const failoverTimeMs = 3_000;
/** The SDK's advice to use a newer Node.js, once for each process, across the picture. */
const withoutAdvice = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };

/**
 * The demo: an embedded AWS in this process, workers as processes of their own, and a check of everything at the end.
 * With `--json` standard output has one line, the verdict. The exit code is 0 only if all is well.
 */
async function main(): Promise<void> {
  const json = process.argv.includes('--json');
  Object.assign(process.env, withoutAdvice);
  const ending = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      // The second time, without waiting for anything; the listeners of 'exit' still clear up.
      if (ending.signal.aborted) process.exit(1);
      ending.abort(new Interruption(name));
    });
  }
  const directory = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const aws = await startLocalAws({ region, streams: [{ name: streamName, shardCount: 4 }] });
  const workers = new WorkerProcesses({ directory, environment: environmentFor(aws) });
  // The last resort, also when something was thrown that nobody caught. Against SIGKILL there is die-with-parent.
  process.once('exit', () => workers.killAll());

  const clients = {
    kinesis: new KinesisClient({ region, credentials, endpoint: aws.kinesisEndpoint }),
    dynamodb: new DynamoDBClient({ region, credentials, endpoint: aws.dynamodbEndpoint }),
  };
  const view = chooseView(json);
  try {
    const parts = { streamName, applicationName, engine: aws.kinesis, ...clients, workers, view };
    const outcome = await runDemo(parts, ending).finally(() => view.end());
    report(outcome, workers, json);
    process.exitCode = outcome.verdict.ok ? 0 : 1;
  } finally {
    workers.killAll();
    clients.kinesis.destroy();
    clients.dynamodb.destroy();
    await aws.close();
  }
}

/** Somebody wanted it: no fault, and no reason to look for one. */
class Interruption extends Error {
  constructor(signalName: string) {
    super(`stopped by ${signalName}`);
  }
}

function report(outcome: Outcome, workers: WorkerProcesses, json: boolean): void {
  const { failure, verdict } = outcome;
  if (failure instanceof Interruption) {
    console.error(failure.message);
  } else {
    if (failure !== undefined) console.error([failure.stack ?? failure.message, workers.stderr()].join('\n'));
    for (const line of reportLines(outcome)) (json ? console.error : console.log)(line);
  }
  const seconds = Math.round(performance.now() / 100) / 10;
  if (json) console.log(JSON.stringify({ ...verdict, problems: undefined, seconds }));
}

function environmentFor(aws: LocalAws): Readonly<Record<string, string>> {
  return {
    ...withoutAdvice,
    STREAM_NAME: streamName,
    APPLICATION_NAME: applicationName,
    FAILOVER_TIME_MS: String(failoverTimeMs),
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_ENDPOINT_URL_KINESIS: aws.kinesisEndpoint,
    AWS_ENDPOINT_URL_DYNAMODB: aws.dynamodbEndpoint,
  };
}

function chooseView(json: boolean): View {
  if (json) return new PlainView((line) => console.error(line));
  return process.stdout.isTTY ? new ScreenView(process.stdout) : new PlainView((line) => console.log(line));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
