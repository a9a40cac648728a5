import { describe, expect, it } from '@jest/globals';
import {
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  type CreateGlobalSecondaryIndexAction,
  type DynamoDBClient,
  type TableDescription,
  type UpdateTableCommandInput,
} from '@aws-sdk/client-dynamodb';
import { fixture, lease, leaseTable, TableName, withLeaseTable, type Fixture } from './service-fixture';

const IndexName = 'LeaseOwnerToLeaseKeyIndex';
const tableTransitionMs = 1000;
const index: CreateGlobalSecondaryIndexAction = {
  IndexName,
  KeySchema: [{ AttributeName: 'leaseOwner', KeyType: 'HASH' }],
  Projection: { ProjectionType: 'KEYS_ONLY' },
};
const addIndex = {
  TableName,
  AttributeDefinitions: [
    { AttributeName: 'leaseKey', AttributeType: 'S' },
    { AttributeName: 'leaseOwner', AttributeType: 'S' },
  ],
  GlobalSecondaryIndexUpdates: [{ Create: index }],
} satisfies UpdateTableCommandInput;

async function put(client: DynamoDBClient, leaseKey: string, leaseOwner?: string): Promise<void> {
  const owner = leaseOwner === undefined ? {} : { leaseOwner: { S: leaseOwner } };
  await client.send(new PutItemCommand({ TableName, Item: lease(leaseKey, { ...owner, counter: { N: '1' } }) }));
}

async function describeTable({ client }: Fixture): Promise<TableDescription | undefined> {
  return (await client.send(new DescribeTableCommand({ TableName }))).Table;
}

function leasesOf(owner: string): QueryCommand {
  return new QueryCommand({
    TableName,
    IndexName,
    KeyConditionExpression: 'leaseOwner = :owner',
    ExpressionAttributeValues: { ':owner': { S: owner } },
  });
}

async function keysOf(client: DynamoDBClient, owner: string): Promise<readonly (string | undefined)[]> {
  const { Items = [] } = await client.send(leasesOf(owner));
  return Items.map((item) => item['leaseKey']?.S).sort();
}

async function withIndex(created: Partial<CreateGlobalSecondaryIndexAction> = {}): Promise<Fixture> {
  const made = await withLeaseTable({ tableTransitionMs });
  await put(made.client, 'a', 'worker-1');
  await put(made.client, 'b', 'worker-2');
  await put(made.client, 'c');
  const GlobalSecondaryIndexUpdates = [{ Create: { ...index, ...created } }];
  await made.client.send(new UpdateTableCommand({ ...addIndex, GlobalSecondaryIndexUpdates }));
  return made;
}

describe('a global index added to a table', () => {
  it('is CREATING, and the table UPDATING, until it is ACTIVE and shown like one made with the table', async () => {
    const made = await withIndex();
    expect(await describeTable(made)).toMatchObject({
      TableStatus: 'UPDATING',
      GlobalSecondaryIndexes: [{ IndexName, IndexStatus: 'CREATING', Backfilling: true }],
    });
    await made.clock.advance(tableTransitionMs - 1);
    expect(await describeTable(made)).toMatchObject({ TableStatus: 'UPDATING' });
    await made.clock.advance(1);
    const table = await describeTable(made);
    expect(table).toMatchObject({ TableStatus: 'ACTIVE', GlobalSecondaryIndexes: [{ IndexStatus: 'ACTIVE' }] });

    const other = fixture();
    await other.client.send(new CreateTableCommand({ ...leaseTable, ...addIndex, GlobalSecondaryIndexes: [index] }));
    const expected = await describeTable(other);
    expect(table).toEqual({ ...expected, TableId: table?.TableId });
    expect(table?.BillingModeSummary).toEqual({ BillingMode: 'PAY_PER_REQUEST' });
  });

  it('cannot be read while it is filled; the table can, and be written', async () => {
    const { client, clock } = await withIndex();
    await expect(keysOf(client, 'worker-1')).rejects.toMatchObject({
      name: 'ValidationException',
      message: `Cannot read from backfilling global secondary index: ${IndexName}`,
    });
    const scan = client.send(new ScanCommand({ TableName, IndexName }));
    await expect(scan).rejects.toThrow('Cannot read from backfilling');
    await put(client, 'd', 'worker-1');
    expect((await client.send(new ScanCommand({ TableName }))).Count).toBe(4);
    await clock.advance(tableTransitionMs);
    expect(await keysOf(client, 'worker-1')).toEqual(['a', 'd']);
  });

  it('has the items that were there, and follows all later writes', async () => {
    const { client, clock } = await withIndex();
    await clock.advance(tableTransitionMs);
    expect(await keysOf(client, 'worker-1')).toEqual(['a']);
    expect(await keysOf(client, 'worker-2')).toEqual(['b']);

    const take = { UpdateExpression: 'SET leaseOwner = :me', ExpressionAttributeValues: { ':me': { S: 'worker-1' } } };
    await client.send(new UpdateItemCommand({ TableName, Key: lease('b'), ...take }));
    await client.send(new UpdateItemCommand({ TableName, Key: lease('c'), ...take }));
    expect([await keysOf(client, 'worker-1'), await keysOf(client, 'worker-2')]).toEqual([['a', 'b', 'c'], []]);

    const giveUp = { TableName, Key: lease('a'), UpdateExpression: 'REMOVE leaseOwner' };
    await client.send(new UpdateItemCommand(giveUp));
    await client.send(new DeleteItemCommand({ TableName, Key: lease('b') }));
    expect(await keysOf(client, 'worker-1')).toEqual(['c']);
  });

  it.each([
    ['KEYS_ONLY', undefined, lease('a', { leaseOwner: { S: 'worker-1' } })],
    ['INCLUDE', ['counter', 'absent'], lease('a', { leaseOwner: { S: 'worker-1' }, counter: { N: '1' } })],
    ['ALL', undefined, lease('a', { leaseOwner: { S: 'worker-1' }, counter: { N: '1' } })],
  ] as const)('shows what it projects: %s', async (ProjectionType, NonKeyAttributes, expected) => {
    const Projection = { ProjectionType, ...(NonKeyAttributes && { NonKeyAttributes: [...NonKeyAttributes] }) };
    const { client, clock } = await withIndex({ Projection });
    await clock.advance(tableTransitionMs);
    expect((await client.send(leasesOf('worker-1'))).Items).toEqual([expected]);
    await put(client, 'later', 'worker-3');
    const later = { ...expected, leaseKey: { S: 'later' }, leaseOwner: { S: 'worker-3' } };
    expect((await client.send(leasesOf('worker-3'))).Items).toEqual([later]);
  });

  it('leaves out items whose attribute has another type, and then refuses such', async () => {
    const { client } = await withLeaseTable();
    const Item = lease('a', { leaseOwner: { N: '1' } });
    await client.send(new PutItemCommand({ TableName, Item }));
    await client.send(new UpdateTableCommand(addIndex));
    expect((await client.send(new ScanCommand({ TableName, IndexName }))).Items).toEqual([]);
    await expect(client.send(new PutItemCommand({ TableName, Item }))).rejects.toThrow('Type mismatch for Index Key');
  });

  it('pages', async () => {
    const { client } = await withLeaseTable();
    for (const key of ['e', 'b', 'd', 'a', 'c']) await put(client, key, 'worker-1');
    await client.send(new UpdateTableCommand(addIndex));
    const found: (string | undefined)[] = [];
    const scan = { TableName, IndexName, Limit: 2 };
    let start: Record<string, { S: string }> | undefined;
    do {
      const page = await client.send(new ScanCommand({ ...scan, ...(start && { ExclusiveStartKey: start }) }));
      expect(page.Items?.length).toBeLessThanOrEqual(2);
      found.push(...(page.Items ?? []).map((item) => item['leaseKey']?.S));
      start = page.LastEvaluatedKey as typeof start;
    } while (start !== undefined);
    expect(found.sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('a global index deleted from a table', () => {
  it('is DELETING, then gone, with the attributes that only it had; and can be made anew', async () => {
    const made = await withIndex();
    const { client, clock } = made;
    await clock.advance(tableTransitionMs);
    const remove = { TableName, GlobalSecondaryIndexUpdates: [{ Delete: { IndexName } }] };
    await client.send(new UpdateTableCommand(remove));
    expect(await describeTable(made)).toMatchObject({
      TableStatus: 'UPDATING',
      GlobalSecondaryIndexes: [{ IndexName, IndexStatus: 'DELETING' }],
    });
    await expect(keysOf(client, 'worker-1')).rejects.toThrow('The table does not have the specified index');
    await client.send(new DeleteItemCommand({ TableName, Key: lease('a') }));
    await clock.advance(tableTransitionMs);
    const table = await describeTable(made);
    expect(table).not.toHaveProperty('GlobalSecondaryIndexes');
    expect(table?.AttributeDefinitions).toEqual(leaseTable.AttributeDefinitions);

    await client.send(new UpdateTableCommand(addIndex));
    await clock.advance(tableTransitionMs);
    expect([await keysOf(client, 'worker-1'), await keysOf(client, 'worker-2')]).toEqual([[], ['b']]);
  });
});

describe('an update of indexes', () => {
  it.each<readonly [string, Partial<UpdateTableCommandInput>, string, string]>([
    ['one that is there', {}, 'ValidationException', 'Attempting to create an index which already exists'],
    [
      'two at once',
      { GlobalSecondaryIndexUpdates: [{ Create: { ...index, IndexName: 'second' } }, { Delete: { IndexName } }] },
      'LimitExceededException',
      'Only 1 online index can be created or deleted simultaneously',
    ],
    [
      'a key without a definition',
      {
        GlobalSecondaryIndexUpdates: [
          { Create: { ...index, IndexName: 'second', KeySchema: [{ AttributeName: 'x', KeyType: 'HASH' }] } },
        ],
      },
      'ValidationException',
      'Some index key attributes are not defined in AttributeDefinitions',
    ],
    [
      'a throughput for a table on demand',
      {
        GlobalSecondaryIndexUpdates: [
          {
            Create: {
              ...index,
              IndexName: 'second',
              ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
            },
          },
        ],
      },
      'ValidationException',
      'ProvisionedThroughput should not be specified for index: second',
    ],
    [
      'one to delete that is not there',
      { GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'second' } }] },
      'ResourceNotFoundException',
      'Requested resource not found',
    ],
    [
      'nothing at all',
      { GlobalSecondaryIndexUpdates: undefined, AttributeDefinitions: undefined },
      'ValidationException',
      'At least one of',
    ],
  ])('is refused: %s', async (_, update, name, message) => {
    const made = await withIndex();
    await made.clock.advance(tableTransitionMs);
    const before = await describeTable(made);
    const call = made.client.send(new UpdateTableCommand({ ...addIndex, ...update }));
    await expect(call).rejects.toMatchObject({ name, message: expect.stringContaining(message) as unknown });
    expect(await describeTable(made)).toEqual(before);
  });

  it('waits until the last one is over', async () => {
    const { client } = await withIndex();
    const Create = { ...index, IndexName: 'second' };
    const another = client.send(new UpdateTableCommand({ ...addIndex, GlobalSecondaryIndexUpdates: [{ Create }] }));
    await expect(another).rejects.toMatchObject({
      name: 'ResourceInUseException',
      message: `Attempt to change a resource which is still in use: Table is being updated: ${TableName}`,
    });
    await expect(client.send(new DeleteTableCommand({ TableName }))).rejects.toThrow('Table is being updated');
  });

  it('needs a throughput on a provisioned table', async () => {
    const { client } = fixture();
    const ProvisionedThroughput = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };
    await client.send(new CreateTableCommand({ ...leaseTable, BillingMode: 'PROVISIONED', ProvisionedThroughput }));
    const without = client.send(new UpdateTableCommand(addIndex));
    await expect(without).rejects.toThrow(`ProvisionedThroughput is not specified for index: ${IndexName}`);
    const Create = { ...index, ProvisionedThroughput };
    const { TableDescription: table } = await client.send(
      new UpdateTableCommand({ ...addIndex, GlobalSecondaryIndexUpdates: [{ Create }] }),
    );
    expect(table?.GlobalSecondaryIndexes?.[0]?.ProvisionedThroughput).toMatchObject(ProvisionedThroughput);
  });
});
