import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { ManualClock } from '@millrace/core/testing';
import { startLocalAws, type LocalAws } from '../../src';

let aws: LocalAws;
let kinesis: KinesisClient;

beforeEach(async () => {
  aws = await startLocalAws({ clock: new ManualClock(), streams: [{ name: 'flights', shardCount: 1 }] });
  kinesis = new KinesisClient({
    endpoint: aws.kinesisEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  });
});
afterEach(async () => {
  kinesis.destroy();
  await aws.close();
});

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${aws.kinesisEndpoint}/_millrace/${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

const put = (): Promise<unknown> =>
  kinesis.send(new PutRecordCommand({ StreamName: 'flights', Data: new Uint8Array([1]), PartitionKey: 'k' }));

describe('the admin route', () => {
  it('adds, shows and removes faults for other processes', async () => {
    const { body } = await send('POST', 'faults', { kind: 'throttle', operations: ['PutRecord'] });
    await expect(put()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });
    expect((await send('GET', 'faults')).body).toEqual({
      faults: [{ id: body['id'], rule: { kind: 'throttle', operations: ['PutRecord'] }, hits: 1 }],
    });
    expect((await send('DELETE', `faults/${String(body['id'])}`)).status).toBe(200);
    expect((await send('DELETE', `faults/${String(body['id'])}`)).status).toBe(404);
    await put();
    await send('POST', 'faults', { kind: 'throttle' });
    await send('DELETE', 'faults');
    await put();
  });

  it('is on the port of DynamoDB as well', async () => {
    const response = await fetch(`${aws.dynamodbEndpoint}/_millrace/faults`);
    expect(await response.json()).toEqual({ faults: [] });
  });

  it('is not in reach of the faults that it made', async () => {
    await send('POST', 'faults', { kind: 'partition' });
    expect((await send('DELETE', 'faults')).status).toBe(200);
    await put();
  });

  it('trims, expires iterators and lets time pass', async () => {
    await put();
    await send('POST', 'trim', { streamName: 'flights' });
    expect(aws.kinesis.inspect('flights')[0]?.recordCount).toBe(0);
    const before = aws.kinesis.wallTime();
    await send('POST', 'advance', { ms: 5_000 });
    expect(aws.kinesis.wallTime() - before).toBe(5_000);
    const iterator = aws.kinesis.handle('GetShardIterator', {
      StreamName: 'flights',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'LATEST',
    });
    await send('POST', 'expire-iterators', { streamName: 'flights' });
    expect(() => aws.kinesis.handle('GetRecords', iterator)).toThrow('expired');
  });

  it.each<[string, string, unknown, string]>([
    ['POST', 'faults', '{', 'JSON'],
    ['POST', 'faults', '[]', 'a fault must be an object'],
    ['POST', 'faults', { kind: 'slow-reply' }, 'needs delayMs'],
    ['POST', 'faults', '{"kind":"throttle","constructor":1}', 'constructor is not a member of a throttle fault'],
    ['POST', 'advance', { ms: -1 }, 'ms must be a number of 0 or more'],
    ['POST', 'advance', '{"ms":1e999}', 'ms must be a number of 0 or more'],
    ['POST', 'advance', { ms: 1e300 }, 'by 100 years in all at most'],
    ['POST', 'trim', {}, 'streamName is needed'],
    ['POST', 'trim', { streamName: 'none' }, 'not found'],
    ['POST', 'expire-iterators', { streamName: 5 }, 'streamName must be a text'],
  ])('says what is wrong with %s %s %j', async (method, path, body, message) => {
    const answer = await send(method, path, body);
    expect(answer).toEqual({ status: 400, body: { message: expect.stringContaining(message) as unknown } });
  });

  it('answers, and goes on, when something goes wrong that nobody expected', async () => {
    const list = jest.spyOn(aws.faults, 'list').mockImplementationOnce(() => {
      throw new TypeError('a bug');
    });
    expect(await send('GET', 'faults')).toEqual({ status: 500, body: { message: 'TypeError: a bug' } });
    list.mockRestore();
    expect((await send('GET', 'faults')).status).toBe(200);
  });

  it('knows no other commands', async () => {
    expect((await send('GET', 'trim')).status).toBe(404);
  });

  it('is out of reach for pages in a browser, as the services are on both ports', async () => {
    const headers = { origin: 'http://example.com' };
    expect((await send('POST', 'faults', { kind: 'partition' }, headers)).status).toBe(403);
    expect(aws.faults.areNone).toBe(true);
    const deletion = { method: 'POST', headers: { ...headers, 'x-amz-target': 'Kinesis_20131202.DeleteStream' } };
    const answers = await Promise.all([
      fetch(aws.kinesisEndpoint, { ...deletion, body: '{"StreamName":"flights"}' }),
      fetch(aws.dynamodbEndpoint, { method: 'POST', headers, body: '{}' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403]);
    expect(aws.kinesis.inspect('flights')).toHaveLength(1);
  });
});
