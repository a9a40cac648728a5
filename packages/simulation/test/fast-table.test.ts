import { beforeEach, describe, expect, it } from '@jest/globals';
import { DynamoDbService } from '@millrace/local';
import { FastTable } from '../src/fast-table';
import { VirtualTime } from '../src/virtual-time';

const TableName = 'leases';
const Key = { leaseKey: { S: 'shard-1' } };

describe('the fast table', () => {
  let time: VirtualTime;
  let dynamodb: DynamoDbService;
  let table: FastTable;

  beforeEach(() => {
    time = new VirtualTime();
    dynamodb = new DynamoDbService({ clock: time });
    table = new FastTable(dynamodb, time, TableName);
    const AttributeDefinitions = [{ AttributeName: 'leaseKey', AttributeType: 'S' }];
    const KeySchema = [{ AttributeName: 'leaseKey', KeyType: 'HASH' }];
    table.handle('CreateTable', { TableName, AttributeDefinitions, KeySchema, BillingMode: 'PAY_PER_REQUEST' }, 0);
    table.handle('PutItem', { TableName, Item: { ...Key, leaseCounter: { N: '7' }, leaseOwner: { S: 'w1' } } }, 0);
  });

  function renew(counter: number): Readonly<Record<string, unknown>> {
    return table.handle(
      'UpdateItem',
      {
        ...{ TableName, Key, ReturnValues: 'ALL_NEW', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' },
        ConditionExpression:
          '(leaseCounter = :counter) AND (leaseOwner = :me AND NOT attribute_exists(checkpointOwner))',
        UpdateExpression: 'SET holder = :me, begun = if_not_exists(begun, :me) ADD leaseCounter :one REMOVE gone',
        ExpressionAttributeValues: { ':counter': { N: String(counter) }, ':me': { S: 'w1' }, ':one': { N: '1' } },
      },
      0,
    );
  }

  const renewed = {
    ...Key,
    leaseCounter: { N: '8' },
    leaseOwner: { S: 'w1' },
    holder: { S: 'w1' },
    begun: { S: 'w1' },
  };

  it('carries out what holds, and refuses what does not with the item as it is', () => {
    expect(renew(7)).toEqual({ Attributes: renewed });
    const refusal = expect.objectContaining({ name: 'ConditionalCheckFailedException', members: { Item: renewed } });
    try {
      renew(7);
    } catch (error) {
      expect(error).toEqual(refusal);
    }
    expect(table.item('shard-1')).toEqual(renewed);
  });

  it('shows a scan that is not consistent how it was', () => {
    time.step(5_000);
    renew(7);
    time.step(6_000);
    const scan = (ConsistentRead: boolean, lagMs: number): unknown =>
      (table.handle('Scan', { TableName, ConsistentRead }, lagMs)['Items'] as readonly object[])[0];
    expect(scan(false, 1_500)).toMatchObject({ leaseCounter: { N: '7' } });
    expect(scan(false, 500)).toEqual(renewed);
    expect(scan(true, 1_500)).toEqual(renewed);
  });

  it('moves over to DynamoDB at the first call that it does not know', () => {
    renew(7);
    const query = {
      ...{ TableName, KeyConditionExpression: 'leaseKey = :key', ConsistentRead: true },
      ExpressionAttributeValues: { ':key': { S: 'shard-1' } },
    };
    expect(table.handle('Query', query, 0)).toMatchObject({ Items: [renewed] });
    expect(renew(8)).toMatchObject({ Attributes: { leaseCounter: { N: '9' } } });
    expect(dynamodb.handle('GetItem', { TableName, Key })['Item']).toMatchObject({ leaseCounter: { N: '9' } });
  });

  it('leaves it to DynamoDB to say what is wrong with a call', () => {
    const input = { TableName, Key, UpdateExpression: 'SET a = :a', ExpressionAttributeValues: { ':b': { S: '' } } };
    expect(() => table.handle('UpdateItem', input, 0)).toThrow(/ExpressionAttributeValues|not defined/);
    expect(() => table.handle('Scan', { TableName: 'other' }, 0)).toThrow(/not found/);
  });
});
