import { DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from '@jest/globals';
import { countAttempts, kindOfCall } from '../../src/coordination/count-attempts';

describe('a call', () => {
  it('that puts a row of a shard creates a lease', () => {
    expect(kindOfCall('PutItemCommand', { Item: { leaseKey: { S: 'shardId-000000000007' } } })).toBe('create');
  });

  it.each(['take', 'adopt'])('that makes its caller the owner claims a lease: %s', (how) => {
    const UpdateExpression = {
      take: 'SET leaseOwner = :me, millraceAcquired = :acquired ADD leaseCounter :one',
      adopt: 'SET millraceWrite = :write, millraceAcquired = :acquired ADD leaseCounter :one',
    }[how];
    expect(kindOfCall('UpdateItemCommand', { UpdateExpression })).toBe('claim');
  });

  it.each([
    ['a renewal', 'UpdateItemCommand', { UpdateExpression: 'SET millraceWrite = :write ADD leaseCounter :one' }],
    [
      'a heartbeat',
      'UpdateItemCommand',
      { UpdateExpression: 'SET millraceFailoverMs = :failover ADD millraceHeartbeat :one' },
    ],
    ['a row that is not a lease', 'PutItemCommand', { Item: { leaseKey: { S: 'worker-1' } } }],
    ['a read', 'GetItemCommand', {}],
    ['unknown', undefined, {}],
  ])('of any other kind is neither: %s', (_, command, input) => {
    expect(kindOfCall(command, input)).toBe('other');
  });
});

describe('a client that counts', () => {
  it('counts what it begins, refused or not', async () => {
    const client = new DynamoDBClient({
      endpoint: 'http://embedded',
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
      requestHandler: { handle: () => Promise.reject(new Error('refused')) },
    });
    const attempts = countAttempts(client);
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
