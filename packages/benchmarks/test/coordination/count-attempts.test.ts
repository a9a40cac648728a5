import { describe, expect, it } from '@jest/globals';
import { startLocalAws } from '@millrace/local';
import { Worker } from 'millrace';
import { KinesisClient, CreateStreamCommand } from '@aws-sdk/client-kinesis';
import { accessTo } from '../../src/coordination/clients';
import { countAttempts, kindOfCall } from '../../src/coordination/count-attempts';

function call(operation: string, input: object): Parameters<typeof kindOfCall>[0] {
  return {
    headers: ['content-type', 'application/x-amz-json-1.0', 'X-Amz-Target', `DynamoDB_20120810.${operation}`],
    body: JSON.stringify(input),
  };
}

describe('a call', () => {
  it('that puts a row of a shard creates a lease', () => {
    expect(kindOfCall(call('PutItem', { Item: { leaseKey: { S: 'shardId-000000000007' } } }))).toBe('create');
  });

  it.each(['take', 'adopt'])('that makes its caller the owner claims a lease: %s', (how) => {
    const UpdateExpression = {
      take: 'SET leaseOwner = :me, millraceAcquired = :acquired ADD leaseCounter :one',
      adopt: 'SET millraceWrite = :write, millraceAcquired = :acquired ADD leaseCounter :one',
    }[how];
    expect(kindOfCall(call('UpdateItem', { UpdateExpression }))).toBe('claim');
  });

  it.each([
    ['a renewal', 'UpdateItem', { UpdateExpression: 'SET millraceWrite = :write ADD leaseCounter :one' }],
    ['a heartbeat', 'UpdateItem', { UpdateExpression: 'SET millraceFailoverMs = :f ADD millraceHeartbeat :one' }],
    ['a row that is not a lease', 'PutItem', { Item: { leaseKey: { S: 'worker-1' } } }],
    ['a read', 'GetItem', {}],
  ])('of any other kind is neither: %s', (_, operation, input) => {
    expect(kindOfCall(call(operation, input))).toBe('other');
  });

  it('that does not say which one is neither', () => {
    expect(kindOfCall({ headers: ['host', 'x-amz-target'] })).toBe('other');
  });
});

describe('a process that counts', () => {
  it('counts what its workers send: of two of them the first creates a lease, and the second claims it', async () => {
    const attempts = countAttempts();
    const aws = await startLocalAws();
    try {
      const kinesis = new KinesisClient({ ...accessTo(aws.kinesisEndpoint), maxAttempts: 1 });
      await kinesis.send(new CreateStreamCommand({ StreamName: 'flights', ShardCount: 1 }));
      kinesis.destroy();
      for (const workerId of ['first', 'second']) {
        const worker = new Worker({
          ...{ applicationName: 'counted', streamName: 'flights', workerId, checkpointing: 'automatic' },
          kinesis: accessTo(aws.kinesisEndpoint),
          dynamodb: accessTo(aws.dynamodbEndpoint),
          processorFactory: () => ({ processRecords: () => undefined }),
        });
        const taken = new Promise((resolve) => worker.on('leaseTaken', resolve));
        const running = worker.run();
        await taken;
        await worker.stop();
        await running;
      }
      expect(attempts()).toEqual({ creates: 1, claims: 1 });
    } finally {
      await aws.close();
    }
  }, 20_000);
});
