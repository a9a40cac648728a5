import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { KinesisClient, type KinesisClientConfig } from '@aws-sdk/client-kinesis';
import type { DynamoDbPort } from '@millrace/lease-coordinator';
import type { KinesisCalls } from '@millrace/record-fetcher';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { DirectClient } from './direct-client';
import { connectTimeoutMs, maxSockets } from './connection-pool';
import { HttpHandler } from './http-handler';
import { packageVersion } from './package-version';
import { SdkCalls, type SdkClient } from './sdk-calls';

/** Which way most calls go: {@link DirectClient}, or all through the SDK. */
export type AwsCalls = 'direct' | 'sdk';

export interface DerivedClients {
  readonly kinesis: KinesisCalls & Pick<KinesisClient, 'send'>;
  readonly dynamodb: DynamoDbPort & Pick<DynamoDBClient, 'send'>;
  readonly calls: { readonly kinesis: AwsCalls; readonly dynamodb: AwsCalls };
  /** Closes the connections that are Millrace's own; handlers and agents that the user passed are left alone. */
  destroy(): void;
}

/**
 * Millrace's own clients, made from the user's client or configuration, which is left as it is.
 *
 * Kept: credentials, region, endpoint, signing, and the middleware that the user added. Changed:
 * - no retries by the SDK, because they hide throttling and repeat conditional writes; Millrace repeats what it means to;
 * - connections are pooled over HTTP/1.1 by an {@link HttpHandler}, where the SDK's default for Kinesis opens an HTTP/2 session for
 *   every call (github.com/aws/aws-sdk-js-v3/issues/8279). A request handler of the user's own is kept, unless it speaks HTTP/2;
 * - nothing is prepared for logging if the user gave no logger.
 */
export function deriveClients(
  kinesis: KinesisClient | KinesisClientConfig | undefined,
  dynamodb: DynamoDBClient | DynamoDBClientConfig | undefined,
  awsCalls: AwsCalls = 'direct',
): DerivedClients {
  const own: { destroy(): void }[] = [];
  const handlerFor = (given: unknown): unknown => {
    if (isHandler(given) && given.metadata?.handlerProtocol !== 'h2') return given;
    if (typeof given !== 'object' || given === null || isHandler(given)) {
      const handler = new HttpHandler();
      own.push(handler);
      return handler;
    }
    // Options of the SDK's handler.
    const agents = {
      httpAgent: new HttpAgent({ keepAlive: true, maxSockets }),
      httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets }),
    };
    own.push(agents.httpAgent, agents.httpsAgent);
    return new NodeHttpHandler({ ...agents, connectionTimeout: connectTimeoutMs, ...given });
  };
  const derivedKinesis = derive(KinesisClient, kinesis, handlerFor);
  const derivedDynamodb = derive(DynamoDBClient, dynamodb, handlerFor);
  const waysOf = ({ isWatched, client }: Derived<Client>): AwsCalls =>
    isWatched || hasLogger(client) || !('signer' in client.config) ? 'sdk' : awsCalls;
  const calls = { kinesis: waysOf(derivedKinesis), dynamodb: waysOf(derivedDynamodb) };
  return {
    // Both ways take any signal, and commands by class and input, too.
    kinesis: throughWay(derivedKinesis.client, calls.kinesis) as DerivedClients['kinesis'],
    dynamodb: throughWay(derivedDynamodb.client, calls.dynamodb) as DerivedClients['dynamodb'],
    calls,
    destroy: () => {
      for (const connections of own) connections.destroy();
    },
  };
}

interface Client {
  readonly config: object;
  readonly middlewareStack: MiddlewareStack;
}

interface MiddlewareStack {
  clone(): MiddlewareStack;
  identify(): string[];
  remove(name: string): boolean;
  use(plugin: object): void;
}

function isClient(value: object | undefined): value is Client {
  return value !== undefined && 'middlewareStack' in value && 'config' in value;
}

function isHandler(value: unknown): value is { readonly metadata?: { readonly handlerProtocol?: string } } {
  return typeof value === 'object' && value !== null && 'handle' in value;
}

function overlay(config: object, handlerFor: (given: unknown) => unknown): object {
  const { requestHandler, customUserAgent } = config as { requestHandler?: unknown; customUserAgent?: unknown };
  const userAgent = typeof customUserAgent === 'string' ? [[customUserAgent]] : (customUserAgent ?? []);
  return {
    ...config,
    maxAttempts: 1,
    // The adaptive mode would hold calls back by a limit of its own.
    retryMode: 'standard',
    // The resolved configuration of a client carries its strategy; it must not win over maxAttempts.
    retryStrategy: undefined,
    requestHandler: handlerFor(requestHandler),
    customUserAgent: [...(userAgent as readonly unknown[]), ['millrace', packageVersion]],
  };
}

interface Derived<T> {
  readonly client: T;
  /** Middleware or a signer of the user's own, which must see every call. */
  readonly isWatched: boolean;
}

function derive<T extends Client>(
  Class: new (config: object) => T,
  given: object | undefined,
  handlerFor: (given: unknown) => unknown,
): Derived<T> {
  if (!isClient(given)) {
    const { signer, signerConstructor } = (given ?? {}) as {
      readonly signer?: unknown;
      readonly signerConstructor?: unknown;
    };
    const isWatched = signer !== undefined || signerConstructor !== undefined;
    return { client: withoutIdleLogging(new Class(overlay(given ?? {}, handlerFor))), isWatched };
  }
  // Of the same class, so that the user's copy of the SDK stays the one that is used.
  const derived = new (given.constructor as typeof Class)(overlay(given.config, handlerFor));
  const users = given.middlewareStack.clone();
  for (const name of defaultMiddleware(derived)) users.remove(name);
  derived.middlewareStack.use(users);
  return { client: withoutIdleLogging(derived), isWatched: users.identify().length > 0 };
}

/** A user's logger, middleware and signer see every call: so all go through the SDK. */
function throughWay<T extends Client & SdkClient>(client: T, way: AwsCalls): Pick<T, 'send'> {
  // It takes the same commands, and answers as the SDK does.
  return way === 'sdk' ? new SdkCalls(client) : new DirectClient(client);
}

/**
 * Without a logger of the user's the SDK still copies each call's input and output for one that drops them: a tenth of
 * what a call costs.
 */
function withoutIdleLogging<T extends Client>(client: T): T {
  if (!hasLogger(client)) client.middlewareStack.remove('loggerMiddleware');
  return client;
}

function hasLogger({ config }: Client): boolean {
  const { logger } = config as { readonly logger?: object | undefined };
  return logger !== undefined && logger.constructor.name !== 'NoOpLogger';
}

/** The names, and other names, of what the SDK itself put on the stack: `name (a.k.a. a,b) - step`. */
function defaultMiddleware({ middlewareStack }: Client): readonly string[] {
  return middlewareStack.identify().flatMap((line) => {
    const [, name, aliases] = /^(.*?)(?: \(a\.k\.a\. (.*?)\))?(?: - \w+)?$/.exec(line) ?? [];
    return [...(name === undefined ? [] : [name]), ...(aliases?.split(',') ?? [])];
  });
}
