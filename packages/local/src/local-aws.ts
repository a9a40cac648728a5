import { setMaxListeners } from 'node:events';
import { ConfigError, systemClock, type Clock } from '@millrace/core';
import { defaultRegion } from './default-region';
import { DynamoDbService } from './dynamodb/dynamodb-service';
import { maxRequestBytes } from './dynamodb/wire';
import { faultyExchange, type Exchange } from './faults/exchange';
import { Faults } from './faults/faults';
import { seededRandom } from '@millrace/core/testing';
import { withAdminRoute } from './http/admin-route';
import { httpFace } from './http/http-face';
import { listen, type LoopbackServer } from './http/loopback-server';
import { inProcessHandler, type HeldListener, type InProcessHandler } from './in-process-handler';
import { KinesisEngine, type KinesisEngineOptions } from './kinesis/engine';
import { KinesisService } from './service/kinesis-service';
import type { Service, ServiceName } from './service/service';
import { SignedService, type LocalCredentials } from './service/signed-service';
import { ShiftedClock } from './shifted-clock';

export interface EmbeddedAwsOptions extends KinesisEngineOptions {
  /** Streams that are there, and ACTIVE, from the beginning. */
  readonly streams?: readonly LocalStream[];
  /**
   * How long a table stays CREATING, UPDATING or DELETING, by the clock, in milliseconds. More than the default finds out who
   * doesn't wait until it is ACTIVE. Default: 0, by which a table can be used as soon as it is made.
   */
  readonly tableTransitionMs?: number;
  /**
   * Whose requests are carried out. With them each signature is verified (Signature Version 4) and a wrong one refused as AWS
   * does: the secret, session token, region, service, what was signed, and a clock that is off by more than five minutes.
   * Default: any credentials will do, and no signature is looked at.
   */
  readonly credentials?: readonly LocalCredentials[];
  /** Where the chance in faults comes from: the same calls in the same order meet the same faults. Default: 1. */
  readonly seed?: number;
}

export interface LocalAwsOptions extends EmbeddedAwsOptions {
  /** Default: 0, which picks a free one. */
  readonly kinesisPort?: number;
  /** Default: 0, which picks a free one. */
  readonly dynamodbPort?: number;
  /** The address to listen at. Whoever can reach it can read and write everything. Default: `127.0.0.1`. */
  readonly host?: string;
  /**
   * How long a client may take to send a request, and to take its answer, in milliseconds of real time, 1 or more. Then
   * its connection is cut. Default: 60,000.
   */
  readonly clientTimeoutMs?: number;
}

export interface LocalStream {
  readonly name: string;
  readonly shardCount: number;
}

/** A Kinesis and a DynamoDB in this process, without sockets. */
export interface EmbeddedAws {
  /** The streams, to look into or to drive without a client. */
  readonly kinesis: KinesisEngine;
  /** The tables, to look into or to drive without a client. */
  readonly dynamodb: DynamoDbService;
  /** What goes wrong, for both services. */
  readonly faults: Faults;
  /**
   * Lets so many milliseconds pass at once, for both services: iterators expire, records reach the end of retention,
   * limits recover. A clock that was given as an option isn't moved, and goes on from there.
   *
   * @param deltaMs 0 or more; 100 years at most, all calls together
   * @throws ConfigError if it is anything else; nothing has changed
   */
  advance(deltaMs: number): void;
  /**
   * For the `requestHandler` of a `KinesisClient` in this process: calls without sockets, through the same faults.
   * @param onHeld told of each call that begins to wait because of a fault, and that goes on
   */
  kinesisHandler(onHeld?: HeldListener): InProcessHandler;
  /** The same for a `DynamoDBClient`. */
  dynamodbHandler(onHeld?: HeldListener): InProcessHandler;
  /** Resets calls that are being held or delayed, and all later ones. Streams and tables are gone. May be called again. */
  close(): Promise<void>;
}

/** Both services, served on loopback as well. */
export interface LocalAws extends EmbeddedAws {
  /** For the SDK's `endpoint`, or `AWS_ENDPOINT_URL_KINESIS`. */
  readonly kinesisEndpoint: string;
  /** For the SDK's `endpoint`, or `AWS_ENDPOINT_URL_DYNAMODB`. */
  readonly dynamodbEndpoint: string;
  /** Also cuts every connection and leaves nothing open. */
  close(): Promise<void>;
}

/** 12 MiB of blobs in base64, and the JSON around them. */
const maxKinesisBodyBytes = (12 * 1024 * 1024 * 4) / 3 + 1024 * 1024;

interface World {
  readonly embedded: EmbeddedAws;
  readonly kinesisService: Service;
  readonly dynamodbService: Service;
  readonly kinesisExchange: Exchange;
  readonly dynamodbExchange: Exchange;
}

/**
 * Makes a Kinesis and a DynamoDB in this process, in memory, to be used by SDK clients with {@link EmbeddedAws.kinesisHandler}
 * and {@link EmbeddedAws.dynamodbHandler}. Nothing listens, and nothing keeps the process alive.
 *
 * @throws ConfigError if an option is out of range
 */
export function embedAws(options: EmbeddedAwsOptions = {}): EmbeddedAws {
  return makeWorld(options).embedded;
}

/**
 * Starts a Kinesis and a DynamoDB in this process, in memory. They keep the process alive until closed.
 *
 * @throws ConfigError if an option is out of range; nothing was started
 * @throws the error of `net.Server` if a port is taken (`EADDRINUSE`); nothing is left running
 */
export async function startLocalAws(options: LocalAwsOptions = {}): Promise<LocalAws> {
  const { kinesisPort = 0, dynamodbPort = 0, host = '127.0.0.1', clientTimeoutMs = 60_000 } = options;
  assertListenOptions(host, clientTimeoutMs, { kinesisPort, dynamodbPort });
  const world = makeWorld(options);

  const serve = (port: number, service: Service, exchange: Exchange, maxBodyBytes: number): Promise<LoopbackServer> =>
    listen({ host, port, clientTimeoutMs }, httpFace({ service, exchange, maxBodyBytes }));
  const kinesisServer = await serve(kinesisPort, world.kinesisService, world.kinesisExchange, maxKinesisBodyBytes);
  const dynamodbServer = await serve(
    dynamodbPort,
    world.dynamodbService,
    world.dynamodbExchange,
    maxRequestBytes,
  ).catch(async (error: unknown) => {
    await kinesisServer.close();
    throw error;
  });
  return {
    ...world.embedded,
    kinesisEndpoint: endpoint(host, kinesisServer.port),
    dynamodbEndpoint: endpoint(host, dynamodbServer.port),
    close: async () => {
      await Promise.all([world.embedded.close(), kinesisServer.close(), dynamodbServer.close()]);
    },
  };
}

function makeWorld(options: EmbeddedAwsOptions): World {
  const base: Clock = options.clock ?? systemClock;
  const clock = new ShiftedClock(base);
  const kinesis = new KinesisEngine({ ...options, clock });
  addStreams(kinesis, options.streams ?? []);
  const faults = new Faults({ clock, random: seededRandom(options.seed ?? 1) });
  const closing = new AbortController();
  // As many as calls that are held up.
  setMaxListeners(0, closing.signal);
  const exchangeWith = (service: Service): Exchange =>
    withAdminRoute({ faults, kinesis, clock }, faultyExchange(service, { faults, clock, closing: closing.signal }));
  const kinesisService = new KinesisService(kinesis);
  const greatestReadLagMs = (): number => faults.greatestReadLagMs;
  const dynamodbService = new DynamoDbService({ ...options, clock, greatestReadLagMs });
  const signed = (service: Service, name: ServiceName): Service => {
    const { credentials, region = defaultRegion } = options;
    return credentials === undefined
      ? service
      : new SignedService(service, { credentials, service: name, region, clock });
  };
  const kinesisExchange = exchangeWith(signed(kinesisService, 'kinesis'));
  const dynamodbExchange = exchangeWith(signed(dynamodbService, 'dynamodb'));
  const embedded: EmbeddedAws = {
    kinesis,
    dynamodb: dynamodbService,
    faults,
    advance: (deltaMs) => clock.shift(deltaMs),
    kinesisHandler: (onHeld) => inProcessHandler(kinesisExchange, onHeld),
    dynamodbHandler: (onHeld) => inProcessHandler(dynamodbExchange, onHeld),
    close: async () => closing.abort(),
  };
  return { embedded, kinesisService, dynamodbService, kinesisExchange, dynamodbExchange };
}

function assertListenOptions(host: string, clientTimeoutMs: number, ports: Readonly<Record<string, number>>): void {
  const problems = Object.entries(ports)
    .filter(([, port]) => !Number.isInteger(port) || port < 0 || port > 65_535)
    .map(([name, port]) => `${name} must be an integer from 0 to 65535, not ${port}`);
  if (host === '') problems.push('host must not be empty');
  if (!(clientTimeoutMs >= 1 && clientTimeoutMs < 2 ** 31)) {
    problems.push(`clientTimeoutMs must be a number from 1 to 2^31-1, not ${clientTimeoutMs}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function addStreams(kinesis: KinesisEngine, streams: readonly LocalStream[]): void {
  const problems: string[] = [];
  for (const { name, shardCount } of streams) {
    try {
      kinesis.addStream(name, shardCount);
    } catch (error) {
      problems.push(`stream ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

function endpoint(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
