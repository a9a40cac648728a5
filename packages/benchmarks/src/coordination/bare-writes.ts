import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { AwsReady } from './aws-server';
import { Children, type Child } from './children';
import type { BareDone, BareMessage, BareSettings } from './messages';

const limitMs = 60_000;
const pollMs = 10;

export interface BareWritesOptions {
  readonly aws: AwsReady;
  readonly dynamodb: DynamoDBClient;
  /** Of a table that is made for it. It stays until the server ends. */
  readonly tableName: string;
  readonly processes: number;
  readonly leases: number;
  readonly signal: AbortSignal;
}

/**
 * How long it takes to create and take leases when nothing else is done: the same two writes for each, in as many processes as
 * there are workers, each with as many calls under way. The processes are as fresh as those of the workers.
 */
export async function measureBareWrites(options: BareWritesOptions): Promise<number> {
  const { dynamodb, tableName, signal } = options;
  await dynamodb.send(
    new CreateTableCommand({
      TableName: tableName,
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
    { abortSignal: signal },
  );
  const children = new Children();
  try {
    const { beganAtMs, endedAtMs } = await writeInAll(children, options);
    return endedAtMs - beganAtMs;
  } finally {
    await children.close();
  }
}

interface Writer {
  readonly child: Child;
  isLoaded: boolean;
  done: BareDone | undefined;
}

/** From when the first began until the last ended. */
async function writeInAll(
  children: Children,
  { aws, tableName, processes, leases, signal }: BareWritesOptions,
): Promise<Pick<BareDone, 'beganAtMs' | 'endedAtMs'>> {
  const failed = new AbortController();
  const until = AbortSignal.any([signal, failed.signal, AbortSignal.timeout(limitMs)]);
  const writers = Array.from({ length: processes }, (_, process): Writer => {
    const leaseKeys = Array.from({ length: leases }, (_lease, lease) => lease)
      .filter((lease) => lease % processes === process)
      .map((lease) => `shardId-${String(lease).padStart(12, '0')}`);
    const settings: BareSettings = { dynamodbEndpoint: aws.dynamodbEndpoint, tableName, leaseKeys };
    const child = children.fork(join(__dirname, 'bare-script.js'), settings, (message) => {
      const heard = message as BareMessage;
      if (heard.kind === 'done') writer.done = heard;
      else writer.isLoaded = true;
    });
    void child.gone.then((how) => failed.abort(new Error(`bare writes have ended unexpectedly: ${how}`)));
    const writer: Writer = { child, isLoaded: false, done: undefined };
    return writer;
  });
  const untilAll = async (isSo: (writer: Writer) => boolean): Promise<void> => {
    while (!writers.every(isSo)) {
      until.throwIfAborted();
      await sleep(pollMs);
    }
  };
  await untilAll(({ isLoaded }) => isLoaded);
  for (const { child } of writers) child.go();
  await untilAll(({ done }) => done !== undefined);
  const all = writers.flatMap(({ done }) => done ?? []);
  return {
    beganAtMs: Math.min(...all.map(({ beganAtMs }) => beganAtMs)),
    endedAtMs: Math.max(...all.map(({ endedAtMs }) => endedAtMs)),
  };
}
