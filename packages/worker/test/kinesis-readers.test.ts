import { types } from 'node:util';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { errorName, systemClock, type Clock } from '@millrace/core';
import { ManualClock } from '@millrace/core/testing';
import { startLocalAws, type FaultRule, type LocalAws, type LocalCredentials } from '@millrace/local';
import { SdkKinesisReader, type RecordsPage } from '@millrace/record-fetcher';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { kinesisReaderContract, type ReaderContractSubject } from '../../record-fetcher/test/kinesis-reader-contract';
import { deriveClients, type AwsCalls } from '../src/aws-clients';
import { HttpHandler } from '../src/http-handler';
import { selfSigned, tlsFront, trust } from './support/tls';
import { wentThroughSdk } from './support/wire';

const shardId = 'shardId-000000000000';
const trimHorizon = { shardId, position: { kind: 'trim-horizon' } } as const;

interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

const keys: Keys = { accessKeyId: 'AKIDREADER', secretAccessKey: 'secret of the reader' };

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

interface Subject extends ReaderContractSubject {
  readonly aws: LocalAws;
  readonly reader: SdkKinesisReader;
  /** Of each call so far, whether it went through the SDK's middleware. */
  seen(): readonly boolean[];
  /** Of each call on the user's handler: it has an answer as soon as that has a head. */
  readonly answers: Promise<unknown>[];
  putData(...data: Uint8Array[]): Promise<void>;
  /** Reads from the trim horizon. */
  read(limit?: number): Promise<RecordsPage>;
}

/** Which way calls go, on whose request handler, Millrace's or one of the user's, and over what. */
type Way = readonly [adapter: AwsCalls, handlerOf: 'Millrace' | 'the user', protocol: 'HTTP' | 'TLS'];

const ways: readonly Way[] = [
  ['sdk', 'Millrace', 'HTTP'],
  ['direct', 'Millrace', 'HTTP'],
  ['sdk', 'the user', 'HTTP'],
  ['direct', 'the user', 'HTTP'],
  ['sdk', 'Millrace', 'TLS'],
  ['direct', 'Millrace', 'TLS'],
];

const certificate = selfSigned();

/** A reader as a worker has it, on sockets, against a service that verifies signatures; past the first calls. */
async function readerOf(
  [adapter, handlerOf, protocol]: Way,
  {
    known = [keys],
    credentials = async () => keys,
    clock = systemClock,
  }: {
    readonly known?: readonly LocalCredentials[];
    readonly credentials?: () => Promise<Keys>;
    readonly clock?: Clock;
  } = {},
): Promise<Subject> {
  const aws = await startLocalAws({ streams: [{ name: 'flights', shardCount: 1 }], credentials: known });
  open.push(() => aws.close());
  const handler = new NodeHttpHandler();
  open.push(() => handler.destroy());
  const ways: boolean[] = [];
  const answers: Promise<unknown>[] = [];
  const usersHandler = {
    handle: (...[request, options]: Parameters<NodeHttpHandler['handle']>) => {
      ways.push(wentThroughSdk(request));
      const answer = handler.handle(request, options);
      answers.push(answer);
      return answer;
    },
  };
  const endpoint = protocol === 'TLS' ? await overTls(aws.kinesisEndpoint) : aws.kinesisEndpoint;
  const configuration = { endpoint, region: 'us-east-1', maxAttempts: 1 };
  const exchange = jest.spyOn(HttpHandler.prototype, 'exchange');
  open.push(() => exchange.mockRestore());
  const requestHandler = handlerOf === 'Millrace' ? {} : { requestHandler: usersHandler };
  const { kinesis, calls, destroy } = deriveClients(
    { ...configuration, credentials, ...requestHandler },
    configuration,
    adapter,
  );
  open.push(destroy);
  expect(calls.kinesis).toBe(adapter);
  const writer = new KinesisClient({ ...configuration, credentials: async () => known[0]!, requestHandler: handler });
  const streamArn = 'arn:aws:kinesis:us-east-1:000000000000:stream/flights';
  const reader = new SdkKinesisReader({ kinesis, streamArn, clock, callTimeoutMs: 10_000 });
  const wait = async (delayMs: number): Promise<void> => aws.advance(delayMs);
  const putData = async (...data: Uint8Array[]): Promise<void> => {
    const records = data.map((Data) => ({ Data, PartitionKey: 'a' }));
    const { FailedRecordCount } = await writer.send(new PutRecordsCommand({ StreamName: 'flights', Records: records }));
    expect(FailedRecordCount).toBe(0);
  };
  const read = async (limit = 100): Promise<RecordsPage> =>
    reader.getRecords({ shardId, iterator: await reader.getShardIterator(trimHorizon), limit });
  await read();
  const seen = (): readonly boolean[] =>
    handlerOf === 'the user' ? ways : exchange.mock.calls.map(([request]) => wentThroughSdk(request));
  expect(seen()).toEqual([true, true]);
  return {
    ...{ aws, reader, seen, answers, shardId, wait, putData, read },
    put: async (count) => {
      for (let index = 0; index < count; index++) await putData(Uint8Array.of(index));
    },
    split: async () => {
      aws.kinesis.split('flights', shardId);
      return ['shardId-000000000001', 'shardId-000000000002'];
    },
    expireIterators: async () => aws.kinesis.expireIterators(),
  };
}

async function overTls(endpoint: string): Promise<string> {
  open.push(trust(certificate));
  return (await tlsFront(endpoint, certificate, open)).endpoint;
}

async function faultOf(call: Promise<unknown>): Promise<Error> {
  const error: unknown = await call.then(
    () => new Error('there was no fault'),
    (fault: unknown) => fault,
  );
  // Those of Node itself are of another realm than a test is.
  if (!types.isNativeError(error)) throw new Error('what was thrown is no error');
  return error;
}

/** For the realm's sake the SDK takes Node's errors for none here, and puts its own around them: only the message is the same. */
const brokenOff = { message: expect.stringMatching(/ECONNRESET|aborted|other side closed/) as unknown };

describe.each(ways)('reading with awsCalls: %s, on the request handler of %s, over %s', (...way) => {
  const [adapter] = way;
  kinesisReaderContract('the reader', () => readerOf(way));

  it('makes all calls but the first of each kind as it says', async () => {
    const { seen, read } = await readerOf(way);
    await read();
    expect(seen().slice(2)).toEqual(adapter === 'sdk' ? [true, true] : [false, false]);
  });

  it.each<[FaultRule, object]>([
    [{ kind: 'throttle' }, { name: 'ProvisionedThroughputExceededException', $metadata: { httpStatusCode: 400 } }],
    [{ kind: 'server-error' }, { name: 'InternalFailure', $fault: 'server', $metadata: { httpStatusCode: 500 } }],
    [
      { kind: 'server-error', statusCode: 503 },
      { name: 'ServiceUnavailable', $metadata: { httpStatusCode: 503 } },
    ],
    [{ kind: 'expired-iterator' }, { name: 'ExpiredIteratorException', $fault: 'client' }],
    [{ kind: 'lost-request' }, brokenOff],
    [{ kind: 'lost-reply' }, brokenOff],
    [{ kind: 'cut-reply' }, brokenOff],
  ])('meets %j: says so once, repeats nothing, and reads everything the next time', async (rule, expected) => {
    const { aws, reader, putData, wait, read } = await readerOf(way);
    await putData(...Array.from({ length: 20 }, (_, index) => new Uint8Array(5_000).fill(index)));
    const iterator = await reader.getShardIterator(trimHorizon);
    const fault = aws.faults.add({ ...rule, operations: ['GetRecords'] });
    expect(await faultOf(reader.getRecords({ shardId, iterator, limit: 100 }))).toMatchObject(expected);
    expect(fault.hits).toBe(1);
    aws.faults.clear();
    await wait(1_000);
    expect((await read()).records.map(({ data }) => [data.length, data[0]])).toEqual(
      Array.from({ length: 20 }, (_, index) => [5_000, index]),
    );
  });

  it('gives up a body that does not come in time, as a time-out, and reads it the next time', async () => {
    const clock = new ManualClock();
    const { aws, reader, answers, put, read } = await readerOf(way, { clock });
    await put(3);
    const iterator = await reader.getShardIterator(trimHorizon);
    const fault = aws.faults.add({ kind: 'slow-body', delayMs: 3_600_000, operations: ['GetRecords'] });
    const outcome = faultOf(reader.getRecords({ shardId, iterator, limit: 100 }));
    while (fault.hits === 0) await new Promise((resolve) => setImmediate(resolve));
    await answers.at(-1);
    await clock.advance(10_000);
    expect(await outcome).toMatchObject({ code: 'CALL_TIMEOUT', deadlineMs: 10_000 });
    aws.faults.clear();
    expect((await read()).records).toHaveLength(3);
  });

  it('reads the largest page there is, to the byte', async () => {
    const { aws, putData, read } = await readerOf(way);
    const megabyte = 1024 * 1024 - 1;
    for (let index = 0; index < 10; index++) {
      await putData(new Uint8Array(megabyte).fill(index));
      aws.advance(2_000);
    }
    const { records } = await read(10_000);
    expect(records.map(({ data }) => [data.length, data[0], data.at(-1)])).toEqual(
      Array.from({ length: 10 }, (_, index) => [megabyte, index, index]),
    );
  });

  it('says that its keys have expired, and reads with the next ones', async () => {
    const [first, second] = [1, 2].map((number): Keys & { sessionToken: string } => ({
      ...{ accessKeyId: `ASIA${number}`, secretAccessKey: `secret ${number}`, sessionToken: `session ${number}` },
    }));
    let current = first!;
    // So near its end that the provider is asked each time.
    const credentials = async (): Promise<Keys> => ({ ...current, expiration: new Date(Date.now() + 60_000) });
    const { read, seen, wait } = await readerOf(way, { known: [first!, second!], credentials });
    await read();
    first!.expiration = new Date(0);
    expect(errorName(await faultOf(read()))).toBe('ExpiredTokenException');
    current = second!;
    for (let round = 0; round < 3; round++) {
      await wait(1_000);
      await read();
    }
    expect(seen().at(-1)).toBe(adapter === 'sdk');
  });

  it('finds out by the service’s answer that its clock is an hour behind, and reads on', async () => {
    const { aws, read, seen, wait } = await readerOf(way);
    aws.advance(3_600_000);
    expect(errorName(await faultOf(read()))).toBe('InvalidSignatureException');
    for (let round = 0; round < 3; round++) {
      await wait(1_000);
      await read();
    }
    expect(seen().at(-1)).toBe(adapter === 'sdk');
  });

  it('is refused with a wrong secret, and without its session', async () => {
    let current: Keys = { ...keys, sessionToken: 'session' };
    const credentials = async (): Promise<Keys> => ({ ...current, expiration: new Date(0) });
    const { read } = await readerOf(way, { known: [{ ...keys, sessionToken: 'session' }], credentials });
    current = { ...current, secretAccessKey: 'wrong' };
    expect(errorName(await faultOf(read()))).toBe('InvalidSignatureException');
    current = keys;
    expect(errorName(await faultOf(read()))).toBe('UnrecognizedClientException');
  });
});

describe('an answer longer than any that Kinesis gives', () => {
  const bytes = 65 * 1024 * 1024;

  it.each(ways.filter(([adapter, handlerOf]) => adapter === 'direct' || handlerOf === 'Millrace'))(
    'is refused, not kept, with awsCalls: %s, on the request handler of %s, over %s',
    async (...way) => {
      const { aws, read } = await readerOf(way);
      aws.faults.add({ kind: 'long-reply', bytes, operations: ['GetRecords'] });
      expect((await faultOf(read())).message).toMatch(/longer than \d+ bytes/);
    },
  );

  it('is read by the SDK on a handler of the user’s, which has no limit', async () => {
    const { aws, read } = await readerOf(['sdk', 'the user', 'HTTP']);
    aws.faults.add({ kind: 'long-reply', bytes, operations: ['GetRecords'] });
    expect((await read()).records).toEqual([]);
  });
});
