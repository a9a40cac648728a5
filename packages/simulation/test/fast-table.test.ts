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

  describe('with the row of a worker', () => {
    const worker = { leaseKey: { S: 'w1' } };

    function update(UpdateExpression: string, values: object, ConditionExpression?: string): unknown {
      const ExpressionAttributeValues = values;
      return table.handle(
        'UpdateItem',
        {
          ...{ TableName, Key: worker, UpdateExpression, ExpressionAttributeValues, ConditionExpression },
          ReturnValues: 'ALL_NEW',
        },
        0,
      )['Attributes'];
    }

    function mail(ConsistentRead = true, lagMs = 0): unknown {
      const input = { TableName, Key: worker, ProjectionExpression: 'mail', ConsistentRead };
      return table.handle('GetItem', input, lagMs);
    }

    const beat = (): unknown =>
      update('SET host = :host, stats = :stats ADD heartbeat :one', {
        ...{ ':host': { S: 'h' }, ':stats': { M: { C: { L: [{ N: '0' }] } } }, ':one': { N: '1' } },
      });

    it('makes it with the first update, and counts from there', () => {
      expect(beat()).toEqual({
        ...worker,
        host: { S: 'h' },
        stats: { M: { C: { L: [{ N: '0' }] } } },
        heartbeat: { N: '1' },
      });
      expect(beat()).toMatchObject({ heartbeat: { N: '2' } });
      expect(table.isMovedOver).toBe(false);
    });

    it('adds to a set and deletes from it, and an empty set is no attribute', () => {
      beat();
      expect(mail()).toEqual({ Item: {} });
      update('ADD mail :mail', { ':mail': { SS: ['a', 'b'] } }, 'attribute_exists(heartbeat)');
      update('ADD mail :mail', { ':mail': { SS: ['b', 'c'] } }, 'attribute_exists(heartbeat)');
      expect(mail()).toEqual({ Item: { mail: { SS: ['a', 'b', 'c'] } } });
      update('DELETE mail :mail', { ':mail': { SS: ['a', 'x'] } });
      expect(mail()).toEqual({ Item: { mail: { SS: ['b', 'c'] } } });
      update('DELETE mail :mail', { ':mail': { SS: ['b', 'c'] } });
      expect(mail()).toEqual({ Item: {} });
      update('DELETE mail :mail', { ':mail': { SS: ['b'] } });
      expect(table.isMovedOver).toBe(false);
    });

    it('leaves an empty set to DynamoDB, which refuses it', () => {
      beat();
      expect(() => update('ADD mail :mail', { ':mail': { SS: [] } })).toThrow(/set/);
      expect(table.isMovedOver).toBe(true);
    });

    it('shows a read that is not consistent how it was', () => {
      beat();
      update('ADD mail :mail', { ':mail': { SS: ['a'] } });
      time.step(5_000);
      update('DELETE mail :mail', { ':mail': { SS: ['a'] } });
      expect(mail(false, 1_000)).toEqual({ Item: { mail: { SS: ['a'] } } });
      expect(mail(true, 1_000)).toEqual({ Item: {} });
    });

    it('is deleted without a condition, and then not there', () => {
      beat();
      table.handle('DeleteItem', { TableName, Key: worker }, 0);
      expect(mail()).toEqual({});
      expect(table.item('w1')).toBeUndefined();
      expect(table.isMovedOver).toBe(false);
    });
  });

  it('gets many items at once, and leaves out those that are not there', () => {
    const get = (...keys: readonly string[]): unknown => {
      const Keys = keys.map((key) => ({ leaseKey: { S: key } }));
      return table.handle('BatchGetItem', { RequestItems: { [TableName]: { Keys, ConsistentRead: true } } }, 0);
    };
    const found = { ...Key, leaseCounter: { N: '7' }, leaseOwner: { S: 'w1' } };
    expect(get('shard-1', 'shard-2')).toEqual({ Responses: { [TableName]: [found] }, UnprocessedKeys: {} });
    expect(get('shard-3')).toEqual({ Responses: { [TableName]: [] }, UnprocessedKeys: {} });
    expect(table.isMovedOver).toBe(false);
    // DynamoDB refuses the same key twice.
    expect(() => get('shard-1', 'shard-1')).toThrow(/duplicates/);
  });

  it('remembers as much of the past as reads may see, however much is written', () => {
    for (let counter = 7; counter < 6_000; counter++) {
      time.step(counter);
      renew(counter);
    }
    const scan = table.handle('Scan', { TableName }, 1_500);
    expect(scan['Items']).toMatchObject([{ leaseCounter: { N: '4500' } }]);
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
