import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { GetRecordsCommandOutput, Kinesis } from '@aws-sdk/client-kinesis';
import { settingsVariable } from '../../src/coordination/messages';
import { kinesisClient } from '../../src/local/client';
import type { PrebuiltSettings } from '../../src/processing/messages';
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

beforeEach(async () => {
  const environment = { [settingsVariable]: JSON.stringify(settings) };
  const script = { path: built('processing/prebuilt-server.js'), environment };
  server = await ServerProcess.start(script, new AbortController().signal);
  kinesis = kinesisClient('http1', server.ready.endpoint);
});

afterEach(async () => {
  kinesis.destroy();
  await server.stop();
});

async function read(
  shardId: string,
  pages: number,
  { sequenceNumber, limit = 10_000 }: { readonly sequenceNumber?: string; readonly limit?: number } = {},
): Promise<GetRecordsCommandOutput[]> {
  const { ShardIterator: first } = await kinesis.getShardIterator({
    StreamName: 'prebuilt',
    ShardId: shardId,
    ...(sequenceNumber === undefined
      ? { ShardIteratorType: 'TRIM_HORIZON' }
      : { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequenceNumber }),
  });
  const answers: GetRecordsCommandOutput[] = [];
  for (let iterator = first; answers.length < pages; iterator = answers.at(-1)?.NextShardIterator) {
    answers.push(await kinesis.getRecords({ ShardIterator: iterator, Limit: limit }));
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
    const again = sequenceNumbers(await read('shardId-000000000001', 2, { sequenceNumber: String(wanted[0]) }));
    expect(again.slice(0, wanted.length)).toEqual(wanted);
  });

  it.each([1, 700, 1_002])(
    'gives a reader that asks for %s records no more, and goes on behind them',
    async (limit) => {
      const whole = sequenceNumbers(await read('shardId-000000000000', 3));
      const answers = await read('shardId-000000000000', 2, { limit });
      expect(answers.map(({ Records = [] }) => Records.length)).toEqual([limit, limit]);
      expect(sequenceNumbers(answers)).toEqual(whole.slice(0, 2 * limit));
    },
  );
});
