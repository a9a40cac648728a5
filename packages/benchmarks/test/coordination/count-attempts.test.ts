import { DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from '@jest/globals';
import { countAttempts, kindOfCall } from '../../src/coordination/count-attempts';

function call(operation: string, input: object): Parameters<typeof kindOfCall>[0] {
  return { headers: { 'x-amz-target': `DynamoDB_20120810.${operation}` }, body: JSON.stringify(input) };
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
});

describe('a client that counts', () => {
  it('counts what it sends, refused or not', async () => {
    const { handler, attempts } = countAttempts({
      handle: (): Promise<never> => Promise.reject(new Error('refused')),
    });
    const client = new DynamoDBClient({
      endpoint: 'http://embedded',
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
      requestHandler: handler,
    });
    const TableName = 'flights';
    const Key = { leaseKey: { S: 'shardId-1' } };
    for (const command of [
      new PutItemCommand({ TableName, Item: Key }),
      new UpdateItemCommand({ TableName, Key, UpdateExpression: 'SET millraceAcquired = :acquired' }),
      new UpdateItemCommand({ TableName, Key, UpdateExpression: 'SET millraceAcquired = :acquired' }),
      new GetItemCommand({ TableName, Key }),
    ]) {
      await expect(client.send(command as PutItemCommand)).rejects.toThrow('refused');
    }
    expect(attempts()).toEqual({ creates: 1, claims: 2 });
  });
});
