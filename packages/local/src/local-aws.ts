import { ConfigError, systemClock, type Clock } from '@millrace/core';
import { dynamodbFace } from './dynamodb/dynamodb-face';
import { kinesisFace } from './http/kinesis-face';
import { listen } from './http/loopback-server';
import { KinesisEngine, type KinesisEngineOptions } from './kinesis/engine';

export interface LocalAwsOptions extends KinesisEngineOptions {
  /** Default: 0, which picks a free one. */
  readonly kinesisPort?: number;
  /** Default: 0, which picks a free one. */
  readonly dynamodbPort?: number;
  /** The address to listen at. Whoever can reach it can read and write everything. Default: `127.0.0.1`. */
  readonly host?: string;
  /** Streams that are there, and ACTIVE, from the beginning. */
  readonly streams?: readonly LocalStream[];
}

export interface LocalStream {
  readonly name: string;
  readonly shardCount: number;
}

export interface LocalAws {
  /** For the SDK's `endpoint`, or `AWS_ENDPOINT_URL_KINESIS`. */
  readonly kinesisEndpoint: string;
  /** For the SDK's `endpoint`, or `AWS_ENDPOINT_URL_DYNAMODB`. */
  readonly dynamodbEndpoint: string;
  /** The streams behind the endpoint, to look into or to drive without a network. */
  readonly kinesis: KinesisEngine;
  /** Cuts every connection and leaves nothing open. Streams and tables are gone. May be called again. */
  close(): Promise<void>;
}

/**
 * Starts a Kinesis and a DynamoDB in this process, in memory. They keep the process alive until closed.
 *
 * @throws ConfigError if an option is out of range; nothing was started
 * @throws the error of `net.Server` if a port is taken (`EADDRINUSE`); nothing is left running
 */
export async function startLocalAws(options: LocalAwsOptions = {}): Promise<LocalAws> {
  const { kinesisPort = 0, dynamodbPort = 0, host = '127.0.0.1', streams = [] } = options;
  assertAddress(host, { kinesisPort, dynamodbPort });
  const clock: Clock = options.clock ?? systemClock;
  const kinesis = new KinesisEngine({ ...options, clock });
  addStreams(kinesis, streams);

  const kinesisServer = await listen({ host, port: kinesisPort }, kinesisFace(kinesis));
  const dynamodbServer = await listen({ host, port: dynamodbPort }, dynamodbFace(clock)).catch(
    async (error: unknown) => {
      await kinesisServer.close();
      throw error;
    },
  );
  return {
    kinesisEndpoint: endpoint(host, kinesisServer.port),
    dynamodbEndpoint: endpoint(host, dynamodbServer.port),
    kinesis,
    close: async () => {
      await Promise.all([kinesisServer.close(), dynamodbServer.close()]);
    },
  };
}

function assertAddress(host: string, ports: Readonly<Record<string, number>>): void {
  const problems = Object.entries(ports)
    .filter(([, port]) => !Number.isInteger(port) || port < 0 || port > 65_535)
    .map(([name, port]) => `${name} must be an integer from 0 to 65535, not ${port}`);
  if (host === '') problems.push('host must not be empty');
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
