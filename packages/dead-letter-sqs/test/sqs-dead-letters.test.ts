import { describe, expect, it } from '@jest/globals';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { RecordFailedError, type DeadLetter } from 'millrace';
import { parseDeadLetterMessage, sqsDeadLetters, type SqsDeadLetterOptions } from '../src';

interface Sent {
  readonly QueueUrl: string;
  readonly MessageBody: string;
  readonly MessageGroupId?: string;
  readonly MessageDeduplicationId?: string;
}

const url = 'https://sqs.eu-central-1.amazonaws.com/123456789012/dead';

function aLetter(data = Buffer.from('payload')): DeadLetter {
  return {
    id: 'arn:aws:kinesis:eu-central-1:123456789012:stream/flights/shardId-000000000001/17/3',
    applicationName: 'flight-delays',
    streamArn: 'arn:aws:kinesis:eu-central-1:123456789012:stream/flights',
    shardId: 'shardId-000000000001',
    record: {
      data,
      partitionKey: 'key',
      explicitHashKey: undefined,
      sequenceNumber: '17',
      subSequenceNumber: 3,
      approximateArrivalTimestamp: new Date('2026-11-26T08:00:00Z'),
      aggregated: true,
    },
    error: new RangeError('delay is negative'),
    reason: 'attempts',
    attempts: 10,
    workerId: 'worker-1',
    fencingToken: 12,
  };
}

/** A client whose calls the test sees, and may let fail. */
function aSink(options: Partial<SqsDeadLetterOptions> = {}, fails?: Error) {
  const sent: Sent[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const client = {
    send: async ({ input }: { readonly input: Sent }, { abortSignal }: { readonly abortSignal?: AbortSignal }) => {
      signals.push(abortSignal);
      if (fails !== undefined) throw fails;
      sent.push(input);
    },
  } as unknown as SQSClient;
  return { sink: sqsDeadLetters({ client, queueUrl: url, ...options }), sent, signals };
}

const signal = new AbortController().signal;

describe('sqsDeadLetters', () => {
  it('sends everything that is known of the record, which can be read back', async () => {
    const { sink, sent, signals } = aSink();
    await sink(aLetter(), { signal });
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({ QueueUrl: url });
    expect(sent[0]?.MessageGroupId).toBeUndefined();
    const { bytes, ...message } = parseDeadLetterMessage(sent[0]?.MessageBody ?? '');
    expect(Buffer.from(bytes ?? []).toString()).toBe('payload');
    expect(message).toEqual({
      id: 'arn:aws:kinesis:eu-central-1:123456789012:stream/flights/shardId-000000000001/17/3',
      applicationName: 'flight-delays',
      streamArn: 'arn:aws:kinesis:eu-central-1:123456789012:stream/flights',
      shardId: 'shardId-000000000001',
      sequenceNumber: '17',
      subSequenceNumber: 3,
      partitionKey: 'key',
      approximateArrivalTimestamp: '2026-11-26T08:00:00.000Z',
      aggregated: true,
      data: 'cGF5bG9hZA==',
      dataBytes: 7,
      error: { name: 'RangeError', message: 'delay is negative' },
      reason: 'attempts',
      attempts: 10,
      workerId: 'worker-1',
      fencingToken: 12,
    });
    expect(signals).toEqual([signal]);
  });

  it('sends only the view of a record that shares its buffer with others', async () => {
    const { sink, sent } = aSink();
    await sink(aLetter(Buffer.from('before payload behind').subarray(7, 14)), { signal });
    expect(Buffer.from(parseDeadLetterMessage(sent[0]?.MessageBody ?? '').bytes ?? []).toString()).toBe('payload');
  });

  it('lets a FIFO queue keep the same letter once', async () => {
    const { sink, sent } = aSink({ queueUrl: `${url}.fifo` });
    await sink(aLetter(), { signal });
    await sink(aLetter(), { signal });
    expect(sent[0]?.MessageGroupId).toMatch(/^[0-9a-f]{64}$/);
    expect(sent[0]?.MessageDeduplicationId).toMatch(/^[0-9a-f]{64}$/);
    expect(sent[1]?.MessageDeduplicationId).toBe(sent[0]?.MessageDeduplicationId);
  });

  it('keeps letters of two applications apart that share a FIFO queue', async () => {
    const { sink, sent } = aSink({ queueUrl: `${url}.fifo` });
    await sink(aLetter(), { signal });
    await sink({ ...aLetter(), applicationName: 'other' }, { signal });
    expect(sent[0]?.MessageDeduplicationId).not.toBe(sent[1]?.MessageDeduplicationId);
    expect(sent[0]?.MessageGroupId).not.toBe(sent[1]?.MessageGroupId);
  });

  it.each([
    ['no error', 'just text', { name: 'string', message: 'just text' }],
    ['an object without a text', Object.create(null), { name: 'object', message: 'cannot be described' }],
    ['an error whose message is none', Object.assign(new Error('x'), { message: 7 }), { name: 'Error', message: '7' }],
  ])('describes what was thrown, also %s', async (_, error: unknown, described) => {
    const { sink, sent } = aSink();
    await sink({ ...aLetter(), error }, { signal });
    expect(parseDeadLetterMessage(sent[0]?.MessageBody ?? '').error).toEqual(described);
  });

  it('says why the record failed that a processor has named', async () => {
    const { sink, sent } = aSink();
    const letter = aLetter();
    const error = new RecordFailedError(letter.record, { cause: new RangeError('delay is negative') });
    await sink({ ...letter, error }, { signal });
    expect(parseDeadLetterMessage(sent[0]?.MessageBody ?? '')).toMatchObject({
      error: { name: 'RecordFailedError', message: 'record 17/3 failed' },
      cause: { name: 'RangeError', message: 'delay is negative' },
    });
  });

  it('escapes what SQS refuses', async () => {
    const { sink, sent } = aSink();
    await sink({ ...aLetter(), error: new Error('a\uFFFEb\uFFFF') }, { signal });
    expect(sent[0]?.MessageBody).not.toMatch(/[\uFFFE\uFFFF]/);
    expect(parseDeadLetterMessage(sent[0]?.MessageBody ?? '').error.message).toBe('a\uFFFEb\uFFFF');
  });

  it('shortens a long error before it gives up the data', async () => {
    const { sink, sent } = aSink({ maxMessageBytes: 8_192 });
    await sink({ ...aLetter(Buffer.alloc(4_500)), error: new Error('\0'.repeat(5_000)) }, { signal });
    const { bytes, error } = parseDeadLetterMessage(sent[0]?.MessageBody ?? '');
    expect(bytes).toHaveLength(4_500);
    expect(error.message).toHaveLength(100);
  });

  it('does not confirm what SQS has not taken', async () => {
    const { sink } = aSink({}, new Error('no such queue'));
    await expect(sink(aLetter(), { signal })).rejects.toThrow('no such queue');
  });

  it('does not confirm what does not fit, and says what to do', async () => {
    const { sink, sent } = aSink({ maxMessageBytes: 8_192 });
    const large = aLetter(Buffer.alloc(8_192));
    await expect(sink(large, { signal })).rejects.toThrow(/has \d+ bytes, and the queue takes 8192: its shard waits/);
    expect(sent).toEqual([]);
  });

  it('sends the position alone of what does not fit, if told so', async () => {
    const { sink, sent } = aSink({ maxMessageBytes: 8_192, whenTooLarge: 'without-data' });
    await sink(aLetter(Buffer.alloc(8_192)), { signal });
    const message = parseDeadLetterMessage(sent[0]?.MessageBody ?? '');
    expect(message).toMatchObject({ sequenceNumber: '17', dataBytes: 8_192, bytes: undefined });
    expect(Buffer.byteLength(sent[0]?.MessageBody ?? '')).toBeLessThanOrEqual(8_192);
  });

  it.each([
    [{ queueUrl: 'dead' }, 'queueUrl (dead) must be the URL of a queue'],
    [{ maxMessageBytes: 5 }, 'maxMessageBytes (5) must be from 8192 to 1048576'],
    [{ whenTooLarge: 'drop' as never }, "whenTooLarge (drop) must be 'reject' or 'without-data'"],
  ])('refuses %j', (options, message) => {
    expect(() => aSink(options)).toThrow(message);
  });
});

describe('parseDeadLetterMessage', () => {
  it.each(['{}', 'null', '[]'])('refuses %s', (body) => {
    expect(() => parseDeadLetterMessage(body)).toThrow('not the body of a dead letter');
  });
});
