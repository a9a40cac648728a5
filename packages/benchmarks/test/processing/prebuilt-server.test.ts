import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { GetRecordsCommandOutput, Kinesis } from '@aws-sdk/client-kinesis';
import { settingsVariable } from '../../src/coordination/messages';
import { kinesisClient } from '../../src/local/client';
import type { PrebuiltSettings, PrebuiltUsage } from '../../src/processing/messages';
import { ServerProcess } from '../../src/server-process';
import { built } from '../support/built';

const settings: PrebuiltSettings = {
  streamName: 'prebuilt',
  shards: 2,
  recordsPerPage: 1_003,
  userRecordsPerRecord: 1,
  dataBytes: 20,
};
let server: ServerProcess;
let kinesis: Kinesis;

beforeEach(() => start(settings));

async function start(of: PrebuiltSettings): Promise<void> {
  const environment = { [settingsVariable]: JSON.stringify(of) };
  const script = { path: built('processing/prebuilt-server.js'), environment };
  server = await ServerProcess.start(script, new AbortController().signal);
  kinesis = kinesisClient('http1', server.ready.endpoint);
}

afterEach(stop);

async function stop(): Promise<void> {
  kinesis.destroy();
  await server.stop();
}

async function read(shardId: string, pages: number, sequenceNumber?: string): Promise<GetRecordsCommandOutput[]> {
  const { ShardIterator: first } = await kinesis.getShardIterator({
    StreamName: 'prebuilt',
    ShardId: shardId,
    ...(sequenceNumber === undefined
      ? { ShardIteratorType: 'TRIM_HORIZON' }
      : { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequenceNumber }),
  });
  const answers: GetRecordsCommandOutput[] = [];
  for (let iterator = first; answers.length < pages; iterator = answers.at(-1)?.NextShardIterator) {
    answers.push(await kinesis.getRecords({ ShardIterator: iterator, Limit: 10_000 }));
  }
  return answers;
}

function sequenceNumbers(answers: readonly GetRecordsCommandOutput[]): readonly bigint[] {
  return answers.flatMap(({ Records = [] }) => Records.map(({ SequenceNumber = '' }) => BigInt(SequenceNumber)));
}

describe('the server of prebuilt answers', () => {
  it('has a stream, whose shards go on for ever: pages are full, and every sequence number is one more', async () => {
    const { Shards = [] } = await kinesis.listShards({ StreamName: 'prebuilt' });
    expect(Shards).toHaveLength(2);
    for (const { ShardId: shardId = '' } of Shards) {
      const answers = await read(shardId, 3);
      const numbers = sequenceNumbers(answers);
      expect(numbers).toHaveLength(3 * 1_003);
      expect(numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? 0n) + 1n)).toBe(true);
      const records = answers.flatMap(({ Records = [] }) => Records);
      expect(new Set(records.map(({ Data }) => Data?.length))).toEqual(new Set([20]));
      expect(answers.filter(({ MillisBehindLatest = 0 }) => MillisBehindLatest === 0)).toEqual([]);
    }
  });

  it('begins at the record that is asked for, also within a page', async () => {
    const numbers = sequenceNumbers(await read('shardId-000000000001', 3));
    const wanted = numbers.slice(1_500);
    const again = sequenceNumbers(await read('shardId-000000000001', 2, String(wanted[0])));
    expect(again.slice(0, wanted.length)).toEqual(wanted);
  });

  it('has fewer records for who asks for fewer, and goes on behind them', async () => {
    const { ShardIterator: first } = await kinesis.getShardIterator({
      ...{ StreamName: 'prebuilt', ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' },
    });
    const few = await kinesis.getRecords({ ShardIterator: first, Limit: 7 });
    const others = await kinesis.getRecords({ ShardIterator: few.NextShardIterator, Limit: 1_003 });
    const whole = sequenceNumbers(await read('shardId-000000000000', 2));
    expect(sequenceNumbers([few, others])).toEqual(whole.slice(0, 7 + 1_003));
    expect(few.Records?.at(-1)).toEqual((await read('shardId-000000000000', 1))[0]?.Records?.[6]);
  });

  it('has empty answers if pages have no records, and says that there are no more', async () => {
    await stop();
    await start({ ...settings, recordsPerPage: 0 });
    const answers = await read('shardId-000000000001', 3);
    expect(answers.map(({ Records, MillisBehindLatest }) => ({ Records, MillisBehindLatest }))).toEqual(
      Array.from({ length: 3 }, () => ({ Records: [], MillisBehindLatest: 0 })),
    );
  });

  it('counts the calls of GetRecords, and the most connections at once since it was asked before', async () => {
    const { signal } = new AbortController();
    const usage = async (): Promise<PrebuiltUsage> => (await server.usage(signal)) as PrebuiltUsage;
    await read('shardId-000000000000', 3);
    const { getRecordsCalls, mostConnections } = await usage();
    expect({ getRecordsCalls, isConnected: mostConnections > 0 }).toEqual({ getRecordsCalls: 3, isConnected: true });
    kinesis.destroy();
    while ((await usage()).mostConnections > 0) await sleep(10);
  });
});
