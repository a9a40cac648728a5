import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from '@millrace/core/testing';
import { embedAws, startLocalAws, type EmbeddedAws } from '@millrace/local';

const own = { accessKeyId: 'AKIDOWN', secretAccessKey: 'own secret' };
const passing = { accessKeyId: 'ASIAPASSING', secretAccessKey: 'passing secret', sessionToken: 'passing token' };

/** The SDK's clients read the system's clock: so does the service. */
let aws: EmbeddedAws;

beforeEach(() => {
  aws = embedAws({ credentials: [own, { ...passing, expiration: new Date(Date.now() + 3_600_000) }] });
});

afterEach(() => aws.close());

interface ClientSettings {
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly region?: string;
  readonly systemClockOffset?: number;
  readonly signingName?: string;
}

function kinesis(settings: ClientSettings): KinesisClient {
  const requestHandler = aws.kinesisHandler();
  return new KinesisClient({
    endpoint: 'http://embedded',
    region: 'us-east-1',
    maxAttempts: 1,
    requestHandler,
    ...settings,
  });
}

async function outcome(settings: ClientSettings): Promise<string> {
  return kinesis(settings)
    .send(new ListStreamsCommand({}))
    .then(
      () => 'answered',
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    );
}

function without(headers: Record<string, string>, dropped: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== dropped));
}

describe('with credentials, the services', () => {
  it('answer what is signed with keys that they know, with and without a session', async () => {
    expect(await outcome({ credentials: own })).toBe('answered');
    expect(await outcome({ credentials: passing })).toBe('answered');
    const dynamodb = new DynamoDBClient({
      endpoint: 'http://embedded',
      region: 'us-east-1',
      maxAttempts: 1,
      credentials: own,
      requestHandler: aws.dynamodbHandler(),
    });
    expect((await dynamodb.send(new ListTablesCommand({}))).TableNames).toEqual([]);
  });

  it.each<[string, ClientSettings, string]>([
    ['keys that nobody has', { credentials: { ...own, accessKeyId: 'AKIDOTHER' } }, 'UnrecognizedClientException'],
    ['another secret', { credentials: { ...own, secretAccessKey: 'other' } }, 'InvalidSignatureException'],
    ['a session without its token', { credentials: { ...passing, sessionToken: '' } }, 'UnrecognizedClientException'],
    ['another token', { credentials: { ...passing, sessionToken: 'other' } }, 'UnrecognizedClientException'],
    [
      'a token that does not belong to it',
      { credentials: { ...own, sessionToken: 'x' } },
      'UnrecognizedClientException',
    ],
    ['another region', { credentials: own, region: 'eu-west-1' }, 'InvalidSignatureException'],
    ['another service', { credentials: own, signingName: 'dynamodb' }, 'InvalidSignatureException'],
    ['a clock six minutes ahead', { credentials: own, systemClockOffset: 360_000 }, 'InvalidSignatureException'],
    ['a clock six minutes behind', { credentials: own, systemClockOffset: -360_000 }, 'InvalidSignatureException'],
  ])('refuse %s', async (_, settings, name) => {
    expect(await outcome(settings)).toBe(name);
  });

  it('bear a clock that is four minutes off', async () => {
    expect(await outcome({ credentials: own, systemClockOffset: -240_000 })).toBe('answered');
    expect(await outcome({ credentials: own, systemClockOffset: 240_000 })).toBe('answered');
  });

  it('refuse keys whose time is over, by their own clock', async () => {
    const client = kinesis({ credentials: passing });
    await client.send(new ListStreamsCommand({}));
    aws.advance(3_600_000);
    await expect(client.send(new ListStreamsCommand({}))).rejects.toMatchObject({ name: 'ExpiredTokenException' });
  });

  it.each<[string, (headers: Record<string, string>) => Record<string, string>, string, RegExp]>([
    ['no signature', (headers) => without(headers, 'authorization'), 'MissingAuthenticationTokenException', /missing/],
    ['none of version 4', (headers) => ({ ...headers, authorization: 'Basic x' }), 'IncompleteSignatureException', /4/],
    ['no date', (headers) => without(headers, 'x-amz-date'), 'IncompleteSignatureException', /X-Amz-Date/],
    [
      'a header of AWS that was added on the way',
      (headers) => ({ ...headers, 'x-amz-added': '1' }),
      'InvalidSignatureException',
      /'x-amz-added' must be a 'SignedHeader'/,
    ],
    [
      'a signed header that was changed on the way',
      (headers) => ({ ...headers, 'x-amz-target': 'Kinesis_20131202.DeleteStream' }),
      'InvalidSignatureException',
      /does not match/,
    ],
  ])('refuse a request with %s', async (_, change, name, message) => {
    const client = kinesis({ credentials: own });
    client.middlewareStack.add(
      (next) => (call) => {
        const request = call.request as { headers: Record<string, string> };
        request.headers = change(request.headers);
        return next(call);
      },
      { step: 'finalizeRequest', priority: 'low', name: 'onTheWay' },
    );
    await expect(client.send(new ListStreamsCommand({}))).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message),
    });
  });

  it('answer the SDK’s default client, which speaks HTTP/2, and refuse it with another secret', async () => {
    const local = await startLocalAws({ credentials: [own] });
    const names: string[] = [];
    for (const credentials of [own, { ...own, secretAccessKey: 'other' }]) {
      const client = new KinesisClient({
        ...{ endpoint: local.kinesisEndpoint, region: 'us-east-1', maxAttempts: 1, credentials },
      });
      await client.send(new ListStreamsCommand({})).then(
        () => names.push('answered'),
        (error: unknown) => names.push(error instanceof Error ? error.name : String(error)),
      );
      client.destroy();
    }
    await local.close();
    expect(names).toEqual(['answered', 'InvalidSignatureException']);
  });

  it('refuse a request that says it has signed what is no header, and go on', async () => {
    const handler = aws.kinesisHandler();
    const scope = `${new Date().toISOString().slice(0, 10).replace(/-/g, '')}/us-east-1/kinesis/aws4_request`;
    const signedHeaders = 'host;x-amz-date;constructor;__proto__';
    const authorization = `AWS4-HMAC-SHA256 Credential=AKIDOWN/${scope}, SignedHeaders=${signedHeaders}, Signature=${'0'.repeat(64)}`;
    const date = `${new Date().toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
    const { response } = await handler.handle({
      ...{ method: 'POST', path: '/', headers: { host: 'x', 'x-amz-date': date, authorization }, body: '{}' },
    });
    expect(response.statusCode).toBe(400);
    expect(Buffer.from(response.body as Uint8Array).toString()).toContain('InvalidSignatureException');
  });

  it('judge by the clock that they are given', async () => {
    const clock = new ManualClock();
    aws = embedAws({ clock, credentials: [own] });
    const systemClockOffset = clock.wallTime() - Date.now();
    expect(await outcome({ credentials: own, systemClockOffset })).toBe('answered');
    // Which stands in 2023.
    expect(await outcome({ credentials: own })).toBe('InvalidSignatureException');
  });
});
