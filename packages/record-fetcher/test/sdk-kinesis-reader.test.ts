import {
  GetShardIteratorCommand,
  type GetRecordsCommand,
  type GetRecordsCommandOutput,
  type GetShardIteratorCommandOutput,
} from '@aws-sdk/client-kinesis';
import { describe, expect, it } from '@jest/globals';
import type { AbortSignalLike, StartPosition } from '@millrace/core';
import { ManualClock, settle } from '@millrace/core/testing';
import { SdkKinesisReader, type KinesisCalls } from '@millrace/record-fetcher';
import { kinesisError, type InMemoryKinesisReader } from '@millrace/record-fetcher/testing';
import { inMemorySubject } from './in-memory-subject';
import { kinesisReaderContract } from './kinesis-reader-contract';
import { SHARD } from './reading';

const STREAM_ARN = 'arn:aws:kinesis:eu-central-1:123456789012:stream/flights';

type Command = GetShardIteratorCommand | GetRecordsCommand;

/** A client that keeps the commands and answers with `answer`. */
function fakeClient(answer: (command: Command, abortSignal: AbortSignalLike) => Promise<object>): {
  sent: { name: string; input: object }[];
  kinesis: KinesisCalls;
} {
  const sent: { name: string; input: object }[] = [];
  const call = async (
    Class: new (input: object) => Command,
    input: object,
    { abortSignal }: { readonly abortSignal: AbortSignalLike },
  ): Promise<unknown> => {
    sent.push({ name: Class.name, input });
    return { $metadata: {}, ...(await answer(new Class(input), abortSignal)) };
  };
  return { sent, kinesis: { call: call as unknown as KinesisCalls['call'] } };
}

function readerOf(kinesis: KinesisCalls, clock = new ManualClock()): SdkKinesisReader {
  return new SdkKinesisReader({ kinesis, streamArn: STREAM_ARN, clock, callTimeoutMs: 10_000 });
}

/** The service's answers, from a twin. */
function clientOver(twin: InMemoryKinesisReader): KinesisCalls {
  let shardId = '';
  return fakeClient(async (command) => {
    if (command instanceof GetShardIteratorCommand) {
      shardId = command.input.ShardId!;
      const answer: Omit<GetShardIteratorCommandOutput, '$metadata'> = {
        ShardIterator: await twin.getShardIterator({ shardId, position: positionOf(command.input) }),
      };
      return answer;
    }
    const { ShardIterator: iterator = '', Limit: limit = 10_000 } = command.input;
    const page = await twin.getRecords({ shardId, iterator, limit });
    const answer: Omit<GetRecordsCommandOutput, '$metadata'> = {
      Records: page.records.map((record) => ({
        SequenceNumber: record.sequenceNumber,
        PartitionKey: record.partitionKey,
        Data: record.data,
        ApproximateArrivalTimestamp: record.approximateArrivalTimestamp,
      })),
      NextShardIterator: page.nextIterator,
      MillisBehindLatest: page.millisBehindLatest,
      ChildShards: page.childShards.map((child) => ({
        ShardId: child.shardId,
        ParentShards: [...child.parentShardIds],
        HashKeyRange: { StartingHashKey: child.hashKeyRange.start, EndingHashKey: child.hashKeyRange.end },
      })),
    };
    return answer;
  }).kinesis;
}

function positionOf(input: GetShardIteratorCommand['input']): StartPosition {
  switch (input.ShardIteratorType) {
    case 'AT_SEQUENCE_NUMBER':
      return { kind: 'at-sequence-number', sequenceNumber: input.StartingSequenceNumber! };
    case 'AT_TIMESTAMP':
      return { kind: 'at-timestamp', timestampMs: input.Timestamp!.getTime() };
    default:
      return { kind: 'trim-horizon' };
  }
}

kinesisReaderContract('SdkKinesisReader', async () => {
  const { twin, clock, ...subject } = inMemorySubject();
  return { ...subject, reader: readerOf(clientOver(twin), clock) };
});

describe('SdkKinesisReader', () => {
  it.each<[StartPosition, object]>([
    [{ kind: 'trim-horizon' }, { ShardIteratorType: 'TRIM_HORIZON' }],
    [
      { kind: 'at-timestamp', timestampMs: 1_700_000_000_123 },
      { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(1_700_000_000_123) },
    ],
    [
      { kind: 'at-sequence-number', sequenceNumber: '17' },
      { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: '17' },
    ],
  ])('asks for an iterator at %j', async (position, input) => {
    const { sent, kinesis } = fakeClient(async () => ({ ShardIterator: 'it' }));
    expect(await readerOf(kinesis).getShardIterator({ shardId: SHARD, position })).toBe('it');
    expect(sent).toEqual([
      { name: 'GetShardIteratorCommand', input: { StreamARN: STREAM_ARN, ShardId: SHARD, ...input } },
    ]);
  });

  it('asks for records with the ARN of the stream and a limit', async () => {
    const data = Uint8Array.of(1, 2);
    const { sent, kinesis } = fakeClient(async () => ({
      Records: [{ SequenceNumber: '1', PartitionKey: 'k', Data: data, ApproximateArrivalTimestamp: new Date(5) }],
      NextShardIterator: 'next',
      MillisBehindLatest: 7,
    }));
    const page = await readerOf(kinesis).getRecords({ shardId: SHARD, iterator: 'it', limit: 500 });
    expect(sent).toEqual([
      { name: 'GetRecordsCommand', input: { StreamARN: STREAM_ARN, ShardIterator: 'it', Limit: 500 } },
    ]);
    expect(page).toEqual({
      records: [{ sequenceNumber: '1', partitionKey: 'k', data, approximateArrivalTimestamp: new Date(5) }],
      nextIterator: 'next',
      millisBehindLatest: 7,
      childShards: [],
    });
    expect(page.records[0]?.data).toBe(data);
  });

  it('leaves no records in the answer, which promises have for longer', async () => {
    const record = {
      SequenceNumber: '1',
      PartitionKey: 'k',
      Data: Uint8Array.of(1),
      ApproximateArrivalTimestamp: new Date(5),
    };
    const answer = { Records: [record], $metadata: {} };
    const kinesis = { call: () => Promise.resolve(answer) } as unknown as KinesisCalls;
    const page = await readerOf(kinesis).getRecords({ shardId: SHARD, iterator: 'it', limit: 500 });
    expect(page.records).toHaveLength(1);
    expect(answer.Records).toEqual([]);
  });

  it('takes a null for no iterator, as for an absent one', async () => {
    const { kinesis } = fakeClient(async () => ({ Records: [], NextShardIterator: null }));
    const page = await readerOf(kinesis).getRecords({ shardId: SHARD, iterator: 'it', limit: 1 });
    expect(page.nextIterator).toBeUndefined();
  });

  it.each([{}, { Records: null }])('refuses %j, which would look like the end of the shard', async (answer) => {
    const { kinesis } = fakeClient(async () => answer);
    await expect(readerOf(kinesis).getRecords({ shardId: SHARD, iterator: 'it', limit: 1 })).rejects.toMatchObject({
      code: 'SHARD_UNREADABLE',
    });
  });

  it.each(['SequenceNumber', 'PartitionKey', 'Data', 'ApproximateArrivalTimestamp'])(
    'refuses a record without %s',
    async (field) => {
      const record: Record<string, unknown> = {
        SequenceNumber: '1',
        PartitionKey: 'k',
        Data: Uint8Array.of(),
        ApproximateArrivalTimestamp: new Date(0),
      };
      const { kinesis } = fakeClient(async () => ({ Records: [{ ...record, [field]: undefined }] }));
      await expect(readerOf(kinesis).getRecords({ shardId: SHARD, iterator: 'it', limit: 1 })).rejects.toMatchObject({
        code: 'SHARD_UNREADABLE',
        problem: expect.stringContaining(field) as unknown,
      });
    },
  );

  it.each([
    [
      'kinesis:GetShardIterator',
      (reader: SdkKinesisReader) => reader.getShardIterator({ shardId: SHARD, position: { kind: 'trim-horizon' } }),
    ],
    [
      'kinesis:GetRecords',
      (reader: SdkKinesisReader) => reader.getRecords({ shardId: SHARD, iterator: 'it', limit: 1 }),
    ],
  ])('names %s and the stream when it is not allowed', async (action, call) => {
    const denied = kinesisError('AccessDeniedException');
    const { kinesis } = fakeClient(() => Promise.reject(denied));
    await expect(call(readerOf(kinesis))).rejects.toMatchObject({
      code: 'PERMISSION_MISSING',
      action,
      resource: STREAM_ARN,
      cause: denied,
    });
  });

  it('passes on any other fault as it is', async () => {
    const fault = kinesisError('ProvisionedThroughputExceededException');
    const { kinesis } = fakeClient(() => Promise.reject(fault));
    await expect(readerOf(kinesis).getRecords({ shardId: SHARD, iterator: 'it', limit: 1 })).rejects.toBe(fault);
  });

  it('gives up a call that is not answered in time, and tells the client', async () => {
    const clock = new ManualClock();
    let signal: AbortSignalLike | undefined;
    const { kinesis } = fakeClient((_, abortSignal) => {
      signal = abortSignal;
      return new Promise(() => undefined);
    });
    const call = readerOf(kinesis, clock).getRecords({ shardId: SHARD, iterator: 'it', limit: 1 });
    const outcome = expect(call).rejects.toMatchObject({ code: 'CALL_TIMEOUT', deadlineMs: 10_000 });
    await clock.advance(9_999);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    await outcome;
    expect(signal?.aborted).toBe(true);
  });

  it('gives up a call at once when the signal aborts', async () => {
    const clock = new ManualClock();
    const abort = new AbortController();
    const { kinesis } = fakeClient(() => new Promise(() => undefined));
    const call = readerOf(kinesis, clock).getRecords({ shardId: SHARD, iterator: 'it', limit: 1 }, abort.signal);
    const reason = new Error('stopped');
    const outcome = expect(call).rejects.toBe(reason);
    await settle();
    abort.abort(reason);
    await outcome;
    expect(clock.sleeperCount).toBe(0);
  });
});
