import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KinesisClient, GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis';
import { startLocalAws, type LocalAws } from '@millrace/local';
import { accessTo, pooledHandler } from '../../src/coordination/clients';
import { countReads } from '../../src/processing/count-reads';

let aws: LocalAws;

beforeEach(async () => {
  aws = await startLocalAws({ streams: [{ name: 'tailed', shardCount: 1 }] });
});

afterEach(() => aws.close());

describe('the reads of a client', () => {
  it('are counted as answered or throttled, and no other call is', async () => {
    const { handler, reads } = countReads(pooledHandler());
    const kinesis = new KinesisClient({ ...accessTo(aws.kinesisEndpoint), maxAttempts: 1, requestHandler: handler });
    const { ShardIterator } = await kinesis.send(
      new GetShardIteratorCommand({
        StreamName: 'tailed',
        ShardId: 'shardId-000000000000',
        ShardIteratorType: 'TRIM_HORIZON',
      }),
    );
    aws.faults.add({ kind: 'throttle', operations: ['GetRecords'], times: 2 });
    const read = (): Promise<unknown> => kinesis.send(new GetRecordsCommand({ ShardIterator }));
    await expect(read()).rejects.toThrow();
    await expect(read()).rejects.toThrow();
    await read();
    expect(reads()).toEqual({ answered: 1, throttled: 2 });
    kinesis.destroy();
  });
});
