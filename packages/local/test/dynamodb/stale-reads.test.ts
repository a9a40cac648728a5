import { describe, expect, it } from '@jest/globals';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateTableCommand,
  type AttributeValue,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { lease, leaseTable, TableName, withLeaseTable, type Fixture } from './service-fixture';

const readLagMs = 1000;

interface StaleFixture extends Fixture {
  readonly stale: DynamoDBClient;
}

/** A table whose past is kept. */
async function withStaleReads(): Promise<StaleFixture> {
  const made = await withLeaseTable({ greatestReadLagMs: readLagMs });
  return { ...made, stale: made.clientWith({ readLagMs }) };
}

async function write(client: DynamoDBClient, counter: number, key = 'a', more = {}): Promise<void> {
  await client.send(new PutItemCommand({ TableName, Item: lease(key, { counter: { N: String(counter) }, ...more }) }));
}

function number(item: Record<string, AttributeValue> | undefined): number | undefined {
  return item === undefined ? undefined : Number(item['counter']?.N);
}

async function counterOf(client: DynamoDBClient, ConsistentRead = false, key = 'a'): Promise<number | undefined> {
  return number((await client.send(new GetItemCommand({ TableName, Key: lease(key), ConsistentRead }))).Item);
}

describe('a read that need not be consistent', () => {
  it('sees what the table was as long ago as the lag, and no longer ago', async () => {
    const { client, stale, clock } = await withStaleReads();
    await write(client, 1);
    expect(await counterOf(stale)).toBeUndefined();
    await clock.advance(readLagMs - 1);
    await write(client, 2);
    expect(await counterOf(stale)).toBeUndefined();
    await clock.advance(1);
    expect(await counterOf(stale)).toBe(1);
    await write(client, 3);
    await client.send(new DeleteItemCommand({ TableName, Key: lease('a') }));
    await clock.advance(readLagMs - 1);
    expect(await counterOf(stale)).toBe(2);
    await clock.advance(1);
    expect(await counterOf(stale)).toBeUndefined();
  });

  it('sees the present without a lag', async () => {
    const { client, clientWith } = await withStaleReads();
    await write(client, 1);
    expect([await counterOf(client), await counterOf(clientWith({ readLagMs: 0 }))]).toEqual([1, 1]);
  });

  it('sees the past of its own lag, whatever others ask for', async () => {
    const { client, clientWith, stale, clock } = await withStaleReads();
    for (const counter of [1, 2, 3, 4]) {
      await write(client, counter);
      await clock.advance(300);
    }
    const lags = [0, 299, 300, 301, 600, 900, 1000];
    const seen = await Promise.all(lags.map((lag) => counterOf(clientWith({ readLagMs: lag }))));
    expect(seen).toEqual([4, 4, 4, 3, 3, 2, 1]);
    expect(await counterOf(stale)).toBe(1);
  });

  it('sees the present when no past is kept', async () => {
    const { client, clientWith } = await withLeaseTable();
    await write(client, 1);
    await write(client, 2);
    expect(await counterOf(clientWith({ readLagMs }))).toBe(2);
  });

  it('shows an item that was deleted since, and none that was made since, in all four operations', async () => {
    const { client, stale, clock } = await withStaleReads();
    await write(client, 1, 'old');
    await clock.advance(readLagMs);
    const RequestItems = {
      [TableName]: [
        { DeleteRequest: { Key: lease('old') } },
        { PutRequest: { Item: lease('new', { counter: { N: '2' } }) } },
      ],
    };
    await client.send(new BatchWriteItemCommand({ RequestItems }));

    const everything = async (reader: DynamoDBClient, ConsistentRead: boolean): Promise<readonly unknown[]> => {
      const Keys = [lease('old'), lease('new')];
      const query = (key: string): QueryCommand =>
        new QueryCommand({
          TableName,
          ConsistentRead,
          KeyConditionExpression: 'leaseKey = :key',
          ExpressionAttributeValues: { ':key': { S: key } },
        });
      return [
        await counterOf(reader, ConsistentRead, 'old'),
        await counterOf(reader, ConsistentRead, 'new'),
        (
          await reader.send(new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys, ConsistentRead } } }))
        ).Responses?.[TableName]?.map(number),
        (await reader.send(query('old'))).Items?.map(number),
        (await reader.send(query('new'))).Items?.map(number),
        (await reader.send(new ScanCommand({ TableName, ConsistentRead }))).Items?.map(number),
      ];
    };
    const now = [undefined, 2, [2], [], [2], [2]];
    expect(await everything(stale, false)).toEqual([1, undefined, [1], [1], [], [1]]);
    expect(await everything(stale, true)).toEqual(now);
    expect(await everything(client, false)).toEqual(now);
  });

  it('pages through the past in the order of the keys', async () => {
    const { client, stale, clock } = await withStaleReads();
    const keys = Array.from({ length: 20 }, (_, index) => `lease-${index}`);
    for (const key of keys) await write(client, 1, key);
    await clock.advance(readLagMs);
    for (const key of keys.filter((_, index) => index % 3 === 0)) {
      await client.send(new DeleteItemCommand({ TableName, Key: lease(key) }));
    }
    const found: (string | undefined)[] = [];
    let start: Record<string, AttributeValue> | undefined;
    do {
      const page = await stale.send(
        new ScanCommand({ TableName, Limit: 3, ...(start !== undefined && { ExclusiveStartKey: start }) }),
      );
      found.push(...(page.Items ?? []).map((item) => item['leaseKey']?.S));
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    expect(found).toHaveLength(20);
    expect(new Set(found)).toEqual(new Set(keys));
  });

  it('mixes in a batch what is consistent with what is not', async () => {
    const { client, stale } = await withStaleReads();
    await client.send(new CreateTableCommand({ ...leaseTable, TableName: 'others' }));
    await write(client, 1);
    await client.send(new PutItemCommand({ TableName: 'others', Item: lease('a', { counter: { N: '2' } }) }));
    const request = { Keys: [lease('a')] };
    const RequestItems = { [TableName]: request, others: { ...request, ConsistentRead: true } };
    const { Responses } = await stale.send(new BatchGetItemCommand({ RequestItems }));
    expect(Responses?.[TableName]).toEqual([]);
    expect(Responses?.['others']?.map(number)).toEqual([2]);
  });

  it('sees a global index as it was: such a read cannot be consistent', async () => {
    const { client, stale, clock } = await withStaleReads();
    const IndexName = 'owners';
    await write(client, 1, 'before', { leaseOwner: { S: 'me' } });
    await client.send(
      new UpdateTableCommand({
        TableName,
        AttributeDefinitions: [{ AttributeName: 'leaseOwner', AttributeType: 'S' }],
        GlobalSecondaryIndexUpdates: [
          {
            Create: {
              IndexName,
              KeySchema: [{ AttributeName: 'leaseOwner', KeyType: 'HASH' }],
              Projection: { ProjectionType: 'ALL' },
            },
          },
        ],
      }),
    );
    await clock.advance(readLagMs);
    await write(client, 2, 'after', { leaseOwner: { S: 'me' } });
    await write(client, 3, 'before', { leaseOwner: { S: 'you' } });
    const owned = async (reader: DynamoDBClient, owner: string): Promise<readonly unknown[] | undefined> => {
      const query = {
        TableName,
        IndexName,
        KeyConditionExpression: 'leaseOwner = :owner',
        ExpressionAttributeValues: { ':owner': { S: owner } },
      };
      return (await reader.send(new QueryCommand(query))).Items?.map(number);
    };
    expect([await owned(stale, 'me'), await owned(stale, 'you')]).toEqual([[1], []]);
    expect([await owned(client, 'me'), await owned(client, 'you')]).toEqual([[2], [3]]);
    await clock.advance(readLagMs);
    expect([await owned(stale, 'me'), await owned(stale, 'you')]).toEqual([[2], [3]]);
  });

  it('knows nothing of an earlier table of the name', async () => {
    const { client, stale, clock } = await withStaleReads();
    await write(client, 1);
    await clock.advance(readLagMs);
    await client.send(new DeleteTableCommand({ TableName }));
    await client.send(new CreateTableCommand(leaseTable));
    expect(await counterOf(stale)).toBeUndefined();
  });

  it('does not change what conditions see', async () => {
    const { client, stale } = await withStaleReads();
    await write(client, 1);
    const create = { TableName, Item: lease('a'), ConditionExpression: 'attribute_not_exists(leaseKey)' };
    await expect(stale.send(new PutItemCommand(create))).rejects.toThrow('The conditional request failed');
  });
});
