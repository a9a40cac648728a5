import { describe, expect, it } from '@jest/globals';
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetItemCommand,
  ListTablesCommand,
  ListTagsOfResourceCommand,
  PutItemCommand,
  QueryCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
  type CreateTableCommandInput,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import { fixture, lease, leaseTable, TableName, withLeaseTable, type Fixture } from './service-fixture';

const tableTransitionMs = 1000;
const arn = `arn:aws:dynamodb:us-east-1:000000000000:table/${TableName}`;
const provisioned = { ReadCapacityUnits: 5, WriteCapacityUnits: 6 };

async function describeTable({ client }: Fixture, name = TableName): Promise<TableDescription | undefined> {
  return (await client.send(new DescribeTableCommand({ TableName: name }))).Table;
}

describe('a table', () => {
  it('is CREATING, then ACTIVE, DELETING, gone; only while ACTIVE it has items', async () => {
    const made = fixture({ tableTransitionMs });
    const { client, clock } = made;
    const getItem = (): Promise<unknown> => client.send(new GetItemCommand({ TableName, Key: lease('a') }));
    const { TableDescription: created } = await client.send(new CreateTableCommand(leaseTable));
    expect(created).toMatchObject({ TableStatus: 'CREATING', TableArn: arn, DeletionProtectionEnabled: false });
    expect(created?.CreationDateTime).toEqual(new Date(clock.wallTime()));
    expect(await describeTable(made)).toEqual(created);
    await expect(getItem()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(client.send(new DeleteTableCommand({ TableName }))).rejects.toThrow('Table is being created');
    await clock.advance(tableTransitionMs);
    expect(await describeTable(made)).toEqual({ ...created, TableStatus: 'ACTIVE' });
    await client.send(new PutItemCommand({ TableName, Item: lease('a') }));

    const { TableDescription: deleted } = await client.send(new DeleteTableCommand({ TableName }));
    expect(deleted?.TableStatus).toBe('DELETING');
    await expect(getItem()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(client.send(new CreateTableCommand(leaseTable))).rejects.toMatchObject({
      name: 'ResourceInUseException',
    });
    await clock.advance(tableTransitionMs);
    await expect(describeTable(made)).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Requested resource not found: Table: leases not found',
    });
    await client.send(new CreateTableCommand(leaseTable));
    await clock.advance(tableTransitionMs);
    expect(await getItem()).not.toHaveProperty('Item');
  });

  it('can be used as soon as it is made, unless told otherwise', async () => {
    const { client } = await withLeaseTable();
    await client.send(new PutItemCommand({ TableName, Item: lease('a') }));
    await client.send(new DeleteTableCommand({ TableName }));
    await expect(client.send(new DeleteTableCommand({ TableName }))).rejects.toThrow('not found');
  });

  it('is refused by the rules of dynalite, and when it is there already', async () => {
    const { client } = await withLeaseTable();
    await expect(client.send(new CreateTableCommand(leaseTable))).rejects.toMatchObject({
      name: 'ResourceInUseException',
      message: 'Table already exists: leases',
    });
    const bad: CreateTableCommandInput = { ...leaseTable, TableName: 'other', AttributeDefinitions: [] };
    await expect(client.send(new CreateTableCommand(bad))).rejects.toThrow('Invalid KeySchema');
  });

  it('can be named by its ARN', async () => {
    const { client } = await withLeaseTable();
    await client.send(new PutItemCommand({ TableName: arn, Item: lease('a') }));
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: lease('a') }));
    expect(Item).toEqual(lease('a'));
  });

  it('is listed by name, in pages', async () => {
    const { client } = fixture();
    for (const name of ['ccc', 'aaa', 'bbb']) {
      await client.send(new CreateTableCommand({ ...leaseTable, TableName: name }));
    }
    expect((await client.send(new ListTablesCommand({}))).TableNames).toEqual(['aaa', 'bbb', 'ccc']);
    const page = await client.send(new ListTablesCommand({ Limit: 1, ExclusiveStartTableName: 'aaa' }));
    expect(page).toMatchObject({ TableNames: ['bbb'], LastEvaluatedTableName: 'bbb' });
    const last = await client.send(new ListTablesCommand({ Limit: 1, ExclusiveStartTableName: 'bbb' }));
    expect([last.TableNames, last.LastEvaluatedTableName]).toEqual([['ccc'], undefined]);
  });

  it('changes its billing and its throughput', async () => {
    const made = await withLeaseTable({ tableTransitionMs });
    const update = async (input: object): Promise<void> => {
      await made.client.send(new UpdateTableCommand({ TableName, ...input }));
      expect((await describeTable(made))?.TableStatus).toBe('UPDATING');
      await made.clock.advance(tableTransitionMs);
    };
    await update({ BillingMode: 'PROVISIONED', ProvisionedThroughput: provisioned });
    expect((await describeTable(made))?.ProvisionedThroughput).toMatchObject(provisioned);
    expect(await describeTable(made)).not.toHaveProperty('BillingModeSummary');
    const same = made.client.send(new UpdateTableCommand({ TableName, ProvisionedThroughput: provisioned }));
    await expect(same).rejects.toThrow('The provisioned throughput for the table will not change.');
    await update({ ProvisionedThroughput: { ...provisioned, WriteCapacityUnits: 7 } });
    expect((await describeTable(made))?.ProvisionedThroughput).toMatchObject({ WriteCapacityUnits: 7 });
    await update({ BillingMode: 'PAY_PER_REQUEST' });
    expect(await describeTable(made)).toMatchObject({
      TableStatus: 'ACTIVE',
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 0 },
    });
    const both = made.client.send(new UpdateTableCommand({ TableName, ProvisionedThroughput: provisioned }));
    await expect(both).rejects.toThrow('Neither ReadCapacityUnits nor WriteCapacityUnits can be specified');
  });

  it('gives whole items of a local index that has only their keys', async () => {
    const { client } = fixture();
    const IndexName = 'by-time';
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'flight', KeyType: 'HASH' },
          { AttributeName: 'leg', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: ['flight', 'leg', 'time'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        LocalSecondaryIndexes: [
          {
            IndexName,
            KeySchema: [
              { AttributeName: 'flight', KeyType: 'HASH' },
              { AttributeName: 'time', KeyType: 'RANGE' },
            ],
            Projection: { ProjectionType: 'KEYS_ONLY' },
          },
        ],
      }),
    );
    const keys = { flight: { S: 'LH 400' }, leg: { S: '1' }, time: { S: '10:00' } };
    const Item = { ...keys, gate: { S: 'B 12' } };
    await client.send(new PutItemCommand({ TableName, Item }));
    const query = {
      TableName,
      IndexName,
      KeyConditionExpression: 'flight = :flight',
      ExpressionAttributeValues: { ':flight': { S: 'LH 400' } },
    };
    expect((await client.send(new QueryCommand(query))).Items).toEqual([keys]);
    expect((await client.send(new QueryCommand({ ...query, Select: 'ALL_ATTRIBUTES' }))).Items).toEqual([Item]);
  });
});

describe('deletion protection', () => {
  const message =
    'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.';

  it('given at creation keeps the table until it is switched off', async () => {
    const made = fixture();
    const { client } = made;
    await client.send(new CreateTableCommand({ ...leaseTable, DeletionProtectionEnabled: true }));
    expect((await describeTable(made))?.DeletionProtectionEnabled).toBe(true);
    const refused = client.send(new DeleteTableCommand({ TableName }));
    await expect(refused).rejects.toMatchObject({ name: 'ValidationException', message });
    const off = new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false });
    expect((await client.send(off)).TableDescription).toMatchObject({
      TableStatus: 'ACTIVE',
      DeletionProtectionEnabled: false,
    });
    await client.send(new DeleteTableCommand({ TableName }));
    await expect(describeTable(made)).rejects.toThrow('not found');
  });

  it('can be switched on later, together with something else too', async () => {
    const made = await withLeaseTable();
    const { client } = made;
    await client.send(
      new UpdateTableCommand({
        TableName,
        DeletionProtectionEnabled: true,
        BillingMode: 'PROVISIONED',
        ProvisionedThroughput: provisioned,
      }),
    );
    expect((await describeTable(made))?.ProvisionedThroughput).toMatchObject(provisioned);
    await expect(client.send(new DeleteTableCommand({ TableName }))).rejects.toThrow(message);
  });
});

describe('what is said about a table and shown again', () => {
  it('is its point-in-time recovery', async () => {
    const { client, clock } = await withLeaseTable();
    const describeBackups = async (): Promise<unknown> =>
      (await client.send(new DescribeContinuousBackupsCommand({ TableName }))).ContinuousBackupsDescription;
    const off = {
      ContinuousBackupsStatus: 'ENABLED',
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'DISABLED' },
    };
    expect(await describeBackups()).toEqual(off);
    const update = async (PointInTimeRecoveryEnabled: boolean): Promise<unknown> =>
      client.send(
        new UpdateContinuousBackupsCommand({
          TableName,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled },
        }),
      );
    const since = new Date(clock.wallTime());
    expect(await update(true)).toMatchObject({
      ContinuousBackupsDescription: { PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'ENABLED' } },
    });
    await clock.advance(400_000);
    await update(true);
    expect(await describeBackups()).toMatchObject({
      PointInTimeRecoveryDescription: {
        EarliestRestorableDateTime: since,
        LatestRestorableDateTime: new Date(since.getTime() + 100_000),
      },
    });
    await update(false);
    expect(await describeBackups()).toEqual(off);
    await client.send(new DeleteTableCommand({ TableName }));
    await expect(update(true)).rejects.toMatchObject({ name: 'TableNotFoundException' });
  });

  it('is its time to live', async () => {
    const { client } = await withLeaseTable();
    const describeTimeToLive = async (): Promise<unknown> =>
      (await client.send(new DescribeTimeToLiveCommand({ TableName }))).TimeToLiveDescription;
    const update = async (Enabled: boolean, AttributeName = 'expiresAt'): Promise<unknown> =>
      client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: { Enabled, AttributeName } }));
    await expect(update(false)).rejects.toThrow('TimeToLive is already disabled');
    expect(await update(true)).toMatchObject({
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'expiresAt' },
    });
    expect(await describeTimeToLive()).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'expiresAt' });
    await expect(update(true, 'other')).rejects.toThrow('TimeToLive is already enabled');
    await expect(update(false, 'other')).rejects.toThrow('current AttributeName is expiresAt');
    await update(false);
    expect(await describeTimeToLive()).toEqual({ TimeToLiveStatus: 'DISABLED' });
    await expect(update(true, '')).rejects.toMatchObject({ name: 'ValidationException' });
  });

  it('are its tags, from its creation on', async () => {
    const { client } = fixture();
    await client.send(new CreateTableCommand({ ...leaseTable, Tags: [{ Key: 'team', Value: 'flights' }] }));
    const tags = async (): Promise<unknown> =>
      (await client.send(new ListTagsOfResourceCommand({ ResourceArn: arn }))).Tags;
    expect(await tags()).toEqual([{ Key: 'team', Value: 'flights' }]);
    await client.send(new TagResourceCommand({ ResourceArn: arn, Tags: [{ Key: 'stage', Value: 'test' }] }));
    expect(await tags()).toEqual([
      { Key: 'stage', Value: 'test' },
      { Key: 'team', Value: 'flights' },
    ]);
    await client.send(new UntagResourceCommand({ ResourceArn: arn, TagKeys: ['team'] }));
    expect(await tags()).toEqual([{ Key: 'stage', Value: 'test' }]);
  });
});
