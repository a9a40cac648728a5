import { CreateTableCommand, DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { silentLogger, systemClock } from '@millrace/core';
import { ManualClock, RecordingLogger } from '@millrace/core/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ensureLeaseTable, type EnsureLeaseTableRequest, type LeaseTableSettings } from '../src';
import { DynaliteServer } from './dynalite-server';
import { portOf } from './port-of';

let server: DynaliteServer;
beforeAll(async () => (server = await DynaliteServer.start()));
afterAll(() => server.stop());

const settings: LeaseTableSettings = {
  create: true,
  billing: 'on-demand',
  tags: {},
  pointInTimeRecovery: false,
  deletionProtection: false,
};

function request(tableName: string, changes: Partial<EnsureLeaseTableRequest> = {}): EnsureLeaseTableRequest {
  return {
    dynamodb: portOf(server.client),
    tableName,
    table: settings,
    clock: systemClock,
    logger: silentLogger,
    signal: new AbortController().signal,
    callTimeoutMs: 5_000,
    ...changes,
  };
}

/** A DynamoDB that answers from a list; the last answer stands. */
function scripted(...answers: readonly (object | Error)[]): { dynamodb: never; sent: unknown[] } {
  const sent: unknown[] = [];
  const send = async (command: { input: unknown }): Promise<object> => {
    const answer = answers[Math.min(sent.length, answers.length - 1)] ?? {};
    sent.push(command.input);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { dynamodb: { send } as never, sent };
}

const named = (name: string): Error => Object.assign(new Error(name), { name });
const missing = named('ResourceNotFoundException');
const described = (TableStatus: string): object => ({
  Table: {
    TableStatus,
    KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
  },
});

describe('ensureLeaseTable', () => {
  it('creates a missing table, whoever else does so at the same time', async () => {
    await Promise.all(Array.from({ length: 5 }, () => ensureLeaseTable(request('together'))));
    const { Table } = await server.client.send(new DescribeTableCommand({ TableName: 'together' }));
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
    });
  });

  it('uses a table that is there', async () => {
    await ensureLeaseTable(request('there'));
    await ensureLeaseTable(request('there', { table: { ...settings, create: false } }));
  });

  it('does not create a table unless it may', async () => {
    const outcome = ensureLeaseTable(request('absent', { table: { ...settings, create: false } }));
    await expect(outcome).rejects.toMatchObject({ code: 'LEASE_TABLE_MISSING', tableName: 'absent' });
  });

  it('refuses a table for something else', async () => {
    await server.client.send(
      new CreateTableCommand({
        TableName: 'orders',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'leaseKey', AttributeType: 'S' },
          { AttributeName: 'at', AttributeType: 'N' },
        ],
        KeySchema: [
          { AttributeName: 'leaseKey', KeyType: 'HASH' },
          { AttributeName: 'at', KeyType: 'RANGE' },
        ],
      }),
    );
    await expect(ensureLeaseTable(request('orders'))).rejects.toMatchObject({
      code: 'LEASE_TABLE_FOREIGN',
      found: 'HASH leaseKey (S), RANGE at (N)',
    });
  });

  it('asks for everything that the settings say', async () => {
    const { dynamodb, sent } = scripted(missing, {}, described('ACTIVE'), {});
    const clock = new ManualClock();
    const table: LeaseTableSettings = {
      create: true,
      billing: { readCapacity: 3, writeCapacity: 4 },
      tags: { team: 'flights' },
      pointInTimeRecovery: true,
      deletionProtection: true,
      encryption: { kmsKeyId: 'alias/leases' },
    };
    const done = ensureLeaseTable(request('flights', { dynamodb, clock, table }));
    await clock.advance(1_000);
    await done;
    expect(sent[1]).toMatchObject({
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 4 },
      Tags: [{ Key: 'team', Value: 'flights' }],
      DeletionProtectionEnabled: true,
      SSESpecification: { Enabled: true, SSEType: 'KMS', KMSMasterKeyId: 'alias/leases' },
    });
    expect(sent[3]).toMatchObject({ PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } });
  });

  it('waits until the table is active, but not for ever', async () => {
    const clock = new ManualClock();
    const { dynamodb } = scripted(described('CREATING'));
    const outcome = expect(ensureLeaseTable(request('slow', { dynamodb, clock }))).rejects.toMatchObject({
      code: 'CALL_TIMEOUT',
    });
    await clock.advance(600_500);
    await outcome;
  });

  it('stops waiting when it is told to', async () => {
    const stop = new AbortController();
    const { dynamodb } = scripted(described('CREATING'));
    const outcome = ensureLeaseTable(request('slow', { dynamodb, clock: new ManualClock(), signal: stop.signal }));
    stop.abort(new Error('stopped'));
    await expect(outcome).rejects.toThrow('stopped');
  });

  it.each([
    ['dynamodb:DescribeTable', [named('AccessDeniedException')]],
    ['dynamodb:CreateTable', [missing, named('AccessDeniedException')]],
  ])('names the missing permission %s', async (action, answers) => {
    const { dynamodb } = scripted(...answers);
    await expect(ensureLeaseTable(request('flights', { dynamodb }))).rejects.toMatchObject({
      code: 'PERMISSION_MISSING',
      action,
      resource: 'table flights',
    });
  });

  it('goes on when the network fails once', async () => {
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    const { dynamodb } = scripted(named('TimeoutError'), described('ACTIVE'));
    const done = ensureLeaseTable(request('flights', { dynamodb, clock, logger }));
    await clock.advance(500);
    await done;
    expect(logger.lines).toMatchObject([{ level: 'warn', message: 'lease table call failed' }]);
  });

  it('says that it goes on without backups where there are none', async () => {
    const logger = new RecordingLogger();
    await ensureLeaseTable(request('backed-up', { table: { ...settings, pointInTimeRecovery: true }, logger }));
    expect(logger.lines).toMatchObject([
      { level: 'info', message: 'lease table created' },
      { level: 'warn', message: 'point-in-time recovery is not available here' },
    ]);
  });
});
