import { Agent, createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { GetRecordsCommand, KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { StopSignal } from '@millrace/core';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { deriveClients, type AwsCalls } from '../src/aws-clients';
import { DirectClient } from '../src/direct-client';
import { packageVersion } from '../src/package-version';
import { SdkCalls } from '../src/sdk-calls';
import { wentThroughSdk } from './support/wire';

/** An HTTP/1.1 server that answers every call with `status`, and counts calls and connections. */
async function aServer(status = 200) {
  let calls = 0;
  let connections = 0;
  const headers: Record<string, unknown>[] = [];
  const server: Server = createServer((request, response) => {
    calls++;
    headers.push(request.headers);
    request.resume();
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(status === 200 ? '{"StreamNames":[],"HasMoreStreams":false}' : '{"__type":"InternalFailure"}');
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(server);
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: () => ({ calls, connections }),
    headers,
  };
}

/** With the `'sdk'` way there is nothing of ours around the client but what makes signals native. */
function sdkClient<T>(calls: object, Class: new (config: object) => T): T {
  if (calls instanceof SdkCalls && calls.client instanceof Class) return calls.client;
  throw new Error('not a client of the SDK');
}

const open: Server[] = [];
const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

describe('deriveClients', () => {
  it('pools connections, and makes no retry, with the configuration of a default client', async () => {
    const { endpoint, counts, headers } = await aServer();
    const users = new KinesisClient({ endpoint, region: 'eu-west-1', credentials });
    const { kinesis, destroy } = deriveClients(users, { endpoint, region: 'eu-west-1', credentials });
    for (let call = 0; call < 20; call++) await kinesis.send(new ListStreamsCommand());
    destroy();
    // One is still being put away when the next call is made.
    expect(counts().calls).toBe(20);
    expect(counts().connections).toBeLessThanOrEqual(2);
    expect(headers[0]?.['authorization']).toContain('/eu-west-1/kinesis/');
    expect(headers[0]?.['user-agent']).toContain('millrace/');
  });

  it.each(['client', 'configuration'])('logs to the user’s logger, given a %s', async (kind) => {
    const { endpoint } = await aServer();
    const logged: unknown[] = [];
    const log = (line: unknown): void => void logged.push(line);
    const logger = { trace: log, debug: log, info: log, warn: log, error: log };
    const configuration = { endpoint, region: 'eu-west-1', credentials, logger };
    const { kinesis, destroy } = deriveClients(
      kind === 'client' ? new KinesisClient(configuration) : configuration,
      undefined,
    );
    await kinesis.send(new ListStreamsCommand());
    destroy();
    expect(logged).toContainEqual(expect.objectContaining({ commandName: 'ListStreamsCommand' }));
  });

  it.each(['client', 'configuration'])('prepares nothing for a log that nobody keeps, given a %s', (kind) => {
    const configuration = { region: 'eu-west-1', credentials };
    const { kinesis, destroy } = deriveClients(
      kind === 'client' ? new KinesisClient(configuration) : configuration,
      undefined,
      'sdk',
    );
    expect(sdkClient(kinesis, KinesisClient).middlewareStack.identify().join()).not.toContain('loggerMiddleware');
    destroy();
  });

  it.each(['client', 'configuration'])('does not repeat a call that failed, given a %s', async (kind) => {
    const { endpoint, counts } = await aServer(500);
    const configuration = { endpoint, region: 'eu-west-1', credentials, maxAttempts: 5 };
    const { kinesis, destroy } = deriveClients(
      kind === 'client' ? new KinesisClient(configuration) : configuration,
      undefined,
    );
    await expect(kinesis.send(new ListStreamsCommand())).rejects.toThrow();
    destroy();
    expect(counts().calls).toBe(1);
  });

  it("keeps the user's middleware of both kinds, once, and leaves the user's client as it is", async () => {
    const { endpoint } = await aServer();
    const users = new KinesisClient({ endpoint, region: 'eu-west-1', credentials });
    const seen: string[] = [];
    users.middlewareStack.add(
      (next) => async (args) => {
        seen.push('absolute');
        return next(args);
      },
      { step: 'build', name: 'mine' },
    );
    users.middlewareStack.addRelativeTo(
      ((next: (args: never) => Promise<never>) => (args: never) => {
        seen.push('relative');
        return next(args);
      }) as never,
      { relation: 'before', toMiddleware: 'retryMiddleware', name: 'mineToo' },
    );
    const before = users.middlewareStack.identify();
    const { kinesis, destroy } = deriveClients(users, undefined);
    await kinesis.send(new ListStreamsCommand());
    destroy();
    expect(seen).toEqual(['absolute', 'relative']);
    expect(users.middlewareStack.identify()).toEqual(before);
  });

  it("keeps agents of the user's own, and does not destroy them", async () => {
    const { endpoint } = await aServer();
    const httpAgent = new Agent({ keepAlive: true });
    let isDestroyed = false;
    httpAgent.destroy = () => {
      isDestroyed = true;
    };
    const { kinesis, destroy } = deriveClients(
      { endpoint, region: 'eu-west-1', credentials, requestHandler: { httpAgent }, customUserAgent: 'mine/1' },
      undefined,
    );
    await kinesis.send(new ListStreamsCommand());
    expect(Object.values(httpAgent.freeSockets)).toHaveLength(1);
    destroy();
    expect(isDestroyed).toBe(false);
    Agent.prototype.destroy.call(httpAgent);
  });

  it('names Millrace in the user agent beside what the user put there', async () => {
    const { endpoint, headers } = await aServer();
    for (const kind of ['client', 'configuration']) {
      const configuration = { endpoint, region: 'eu-west-1', credentials, customUserAgent: 'mine/1' };
      const { kinesis, destroy } = deriveClients(
        kind === 'client' ? new KinesisClient(configuration) : configuration,
        undefined,
      );
      await kinesis.send(new ListStreamsCommand());
      destroy();
    }
    expect(headers).toHaveLength(2);
    for (const header of headers) {
      expect(header['user-agent']).toContain('mine/1');
      expect(header['user-agent']).toContain(`millrace/${packageVersion}`);
    }
  });

  it("keeps a request handler of the user's own, and does not destroy it", async () => {
    const { endpoint } = await aServer();
    const requestHandler = new NodeHttpHandler();
    const users = new DynamoDBClient({ endpoint, region: 'eu-west-1', credentials, requestHandler });
    const { dynamodb, destroy } = deriveClients(undefined, users, 'sdk');
    expect(sdkClient(dynamodb, DynamoDBClient).config.requestHandler).toBe(requestHandler);
    destroy();
    await expect(users.send(new ListTablesCommand())).resolves.toBeDefined();
    requestHandler.destroy();
  });

  it.each<AwsCalls>(['direct', 'sdk'])(
    "gives a request handler of the user's a signal of Node's own, with the way %s",
    async (way) => {
      const { endpoint } = await aServer();
      const throughSdk: boolean[] = [];
      const signals: unknown[] = [];
      const users = new NodeHttpHandler();
      const requestHandler = {
        handle: (...[request, options]: Parameters<NodeHttpHandler['handle']>) => {
          signals.push(options?.abortSignal);
          throughSdk.push(wentThroughSdk(request));
          return users.handle(request, options);
        },
      };
      const { kinesis } = deriveClients({ endpoint, region: 'eu-west-1', credentials, requestHandler }, undefined, way);
      const stop = new StopSignal();
      // The first call goes through the SDK, whatever the way.
      for (let call = 0; call < 2; call++)
        await kinesis.call(GetRecordsCommand, { ShardIterator: 'a' }, { abortSignal: stop });
      stop.abort(new Error('stopped'));
      users.destroy();
      expect(throughSdk).toEqual([true, way === 'sdk']);
      expect(signals).toHaveLength(2);
      for (const signal of signals) {
        expect(signal).toBeInstanceOf(AbortSignal);
        expect((signal as AbortSignal).reason).toBe(stop.reason);
      }
    },
  );

  describe('which way calls go', () => {
    const configuration = { region: 'eu-west-1', credentials };
    const quiet = (): undefined => undefined;
    const logger = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet };
    const withMiddleware = (): KinesisClient => {
      const client = new KinesisClient(configuration);
      client.middlewareStack.add((next) => next, { step: 'build', name: 'mine' });
      return client;
    };

    const signer = { sign: () => Promise.reject(new Error('signs nothing')) };

    it.each<[string, AwsCalls, Parameters<typeof deriveClients>[0], AwsCalls | undefined]>([
      ['direct', 'direct', configuration, undefined],
      ['direct', 'direct', new KinesisClient(configuration), undefined],
      ['through the SDK, with a logger in a configuration', 'sdk', { ...configuration, logger }, undefined],
      ['through the SDK, with a logger of a client', 'sdk', new KinesisClient({ ...configuration, logger }), undefined],
      ['through the SDK, with middleware of the user’s own', 'sdk', withMiddleware(), undefined],
      ['through the SDK, with middleware, although asked otherwise', 'sdk', withMiddleware(), 'direct'],
      ['through the SDK, with a signer of the user’s own', 'sdk', { ...configuration, signer }, undefined],
      ['through the SDK, when asked for', 'sdk', configuration, 'sdk'],
      ['through the SDK, when asked for, with a client', 'sdk', new KinesisClient(configuration), 'sdk'],
    ])('is %s', (_, expected, given, asked) => {
      const { kinesis, calls, destroy } = deriveClients(given, configuration, asked);
      expect(calls).toEqual({ kinesis: expected, dynamodb: asked ?? 'direct' });
      expect(kinesis instanceof DirectClient).toBe(expected === 'direct');
      destroy();
    });

    it('is decided for each service by itself', () => {
      const { calls, destroy } = deriveClients(configuration, new DynamoDBClient({ ...configuration, logger }));
      expect(calls).toEqual({ kinesis: 'direct', dynamodb: 'sdk' });
      destroy();
    });
  });
});
