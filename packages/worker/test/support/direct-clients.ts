import type { ServerResponse } from 'node:http';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetRecordsCommand } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { DirectClient } from '../../src/direct-client';
import { HttpHandler } from '../../src/http-handler';
import { SdkCalls, type SdkClient } from '../../src/sdk-calls';
import { recordingServer, wentThroughSdk, type RecordingServer } from './wire';

export const configuration = {
  region: 'eu-west-1',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  maxAttempts: 1,
};

export type Call = Parameters<DirectClient['send']>;

/** How one call ends for a client: what it answers but for the metadata, or how it fails. */
export async function outcomeOf(
  client: Pick<DirectClient, 'send'>,
  command: Call[0],
  options?: Call[1],
): Promise<object> {
  try {
    const answer = (await client.send(command, options)) as Record<string, unknown>;
    return { answer: { ...answer, $metadata: undefined } };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { $metadata, ...fields } = error as Error & Record<string, unknown>;
    const { httpStatusCode } = ($metadata ?? {}) as Readonly<Record<string, unknown>>;
    const { name, message } = error;
    return { fields: { ...fields, name, message, $response: undefined }, httpStatusCode };
  }
}

/** What was opened in a test. */
export const open: (() => unknown)[] = [];

export async function closeAll(): Promise<void> {
  for (const close of open.splice(0)) await close();
}

/** One client of each kind to the same endpoint. */
export interface Clients {
  readonly direct: DirectClient;
  readonly sdk: Pick<DirectClient, 'send'>;
  /** What the direct one has sent so far through the SDK, and not. */
  readonly ways: boolean[];
  /** The direct one's connections no longer hear of aborts. */
  deafen(): void;
}

export function clientsTo(Class: new (config: object) => SdkClient, endpoint: string, limit?: number): Clients {
  const requestHandler = new NodeHttpHandler();
  open.push(() => requestHandler.destroy());
  const ways: boolean[] = [];
  let isDeaf = false;
  const watched = {
    handle: (...[request, options]: Parameters<NodeHttpHandler['handle']>) => {
      ways.push(wentThroughSdk(request));
      return requestHandler.handle(request, isDeaf ? {} : options);
    },
  };
  const direct = new DirectClient(new Class({ ...configuration, endpoint, requestHandler: watched }), limit);
  const sdk = new SdkCalls(new Class({ ...configuration, endpoint, requestHandler }));
  return { direct, sdk, ways, deafen: () => void (isDeaf = true) };
}

export const getItem = (): GetItemCommand => new GetItemCommand({ TableName: 'leases', Key: { leaseKey: { S: 'a' } } });
export const getRecords = (): GetRecordsCommand => new GetRecordsCommand({ ShardIterator: 'a' });

/** A direct client on a handler of the SDK's that has made its first call, to a server that answers all later ones as given. */
export async function resolvedClient(
  answer: (response: ServerResponse) => void,
  limit?: number,
): Promise<Clients & { readonly server: RecordingServer }> {
  const server = await recordingServer((response, call) => (call === 0 ? response.end('{}') : answer(response)));
  open.push(() => server.close());
  const clients = clientsTo(DynamoDBClient, server.endpoint, limit);
  await clients.direct.send(getItem());
  return { server, ...clients };
}

/** As {@link resolvedClient}, on the request handler of clients that have none of their user's. */
export async function resolvedOwnClient(
  answer: (response: ServerResponse) => void,
  limit?: number,
): Promise<Pick<Clients, 'direct' | 'sdk'> & { readonly server: RecordingServer }> {
  const server = await recordingServer((response, call) => (call === 0 ? response.end('{}') : answer(response)));
  const requestHandler = new HttpHandler();
  open.push(
    () => requestHandler.destroy(),
    () => server.close(),
  );
  const settings = { ...configuration, endpoint: server.endpoint, requestHandler: requestHandler as never };
  const direct = new DirectClient(new DynamoDBClient(settings), limit);
  await direct.send(getItem());
  return { server, direct, sdk: new SdkCalls(new DynamoDBClient(settings)) };
}
