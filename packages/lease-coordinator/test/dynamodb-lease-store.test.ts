import {
  type AttributeValue,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { checkpointAt, silentLogger, systemClock, TRIM_HORIZON } from '@millrace/core';
import { ManualClock, settle } from '@millrace/core/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DynamoDbLeaseStore, ensureLeaseTable } from '../src';
import { DynaliteServer } from './dynalite-server';
import { rowOf } from './lease-rows';
import { aSeed, describeLeaseStore } from './lease-store-contract';

const tableName = 'flight-delays';
const leaseKey = 'shardId-000000000000';
let server: DynaliteServer;

beforeAll(async () => {
  server = await DynaliteServer.start();
  await ensureLeaseTable({
    dynamodb: server.client,
    tableName,
    table: { create: true, billing: 'on-demand', tags: {}, pointInTimeRecovery: false, deletionProtection: false },
    clock: systemClock,
    logger: silentLogger,
    signal: new AbortController().signal,
    callTimeoutMs: 5_000,
  });
});

afterAll(() => server.stop());

async function emptyTable(): Promise<void> {
  const { Items = [] } = await server.client.send(new ScanCommand({ TableName: tableName }));
  for (const { leaseKey: key } of Items) {
    await server.client.send(new DeleteItemCommand({ TableName: tableName, Key: { leaseKey: key! } }));
  }
}

async function put(item: Record<string, AttributeValue>): Promise<void> {
  await server.client.send(new PutItemCommand({ TableName: tableName, Item: item }));
}

async function rawRow(): Promise<Record<string, AttributeValue> | undefined> {
  const { Item } = await server.client.send(
    new GetItemCommand({ TableName: tableName, Key: { leaseKey: { S: leaseKey } } }),
  );
  return Item;
}

function aStore(): DynamoDbLeaseStore {
  return new DynamoDbLeaseStore({ dynamodb: server.client, tableName, clock: systemClock, callTimeoutMs: 5_000 });
}

describeLeaseStore('DynamoDbLeaseStore', async () => {
  await emptyTable();
  return {
    store: aStore(),
    put: (lease) => put(rowOf(lease)),
    putCorrupt: (key) => put({ leaseKey: { S: key }, leaseCounter: { N: '1' }, checkpoint: { S: 'SOMEWHERE' } }),
  };
});

describe('the rows of DynamoDbLeaseStore', () => {
  beforeEach(emptyTable);

  it('are the KCL’s, with what is empty absent', async () => {
    await aStore().create({ ...aSeed, parentShardIds: ['shardId-1'] }, 'w/1');
    expect(await rawRow()).toEqual({
      leaseKey: { S: leaseKey },
      leaseCounter: { N: '0' },
      ownerSwitchesSinceCheckpoint: { N: '0' },
      checkpoint: { S: 'TRIM_HORIZON' },
      checkpointSubSequenceNumber: { N: '0' },
      parentShardId: { SS: ['shardId-1'] },
      startingHashKey: { S: '0' },
      endingHashKey: { S: '9' },
      entityType: { S: 'LEASE' },
      millraceWrite: { S: 'w/1' },
      millraceStreamArn: { S: 'arn:flights' },
      millraceStreamCreated: { N: '1600000000000' },
    });
  });

  it('keep attributes that Millrace does not know, through every write', async () => {
    const unknown = { throughputKBps: { N: '12.5' }, streamName: { S: '1:x:2' }, custom: { M: { a: { L: [] } } } };
    await put({ ...kclRow(), ...unknown });
    const store = aStore();
    const identity = { streamName: 'x', streamArn: 'arn:x', streamCreatedAtMs: 1 };
    const me = { owner: 'me', writeId: 'me/1', failoverTimeMs: 10, initialTimestampMs: 1, identity };
    const holder = (counter: number, owner = 'me') => ({ leaseKey, counter, owner });
    await store.take((await store.get(leaseKey))!, me);
    await store.renew(holder(1235), 'me/2');
    await store.checkpoint(holder(1236), checkpointAt({ sequenceNumber: '5', subSequenceNumber: 1 }), 'me/3');
    await store.requestHandover((await store.get(leaseKey))!, { receiver: 'b', writeId: 'b/1' });
    await store.completeHandover(holder(1237), 'me/4');
    await store.adopt((await store.get(leaseKey))!, { ...me, owner: 'b', writeId: 'b/2' });
    await store.release(holder(1239, 'b'), 'b/3');
    expect(await rawRow()).toMatchObject({ ...unknown, leaseCounter: { N: '1240' }, checkpoint: { S: '5' } });
    expect(await rawRow()).not.toHaveProperty('leaseOwner');
  });

  it('end a two-phase checkpoint of the KCL with a checkpoint', async () => {
    await put({
      ...kclRow(),
      pendingCheckpoint: { S: '7' },
      pendingCheckpointSubSequenceNumber: { N: '0' },
      pendingCheckpointState: { B: new Uint8Array([1]) },
    });
    await aStore().checkpoint({ leaseKey, counter: 1234, owner: 'java' }, TRIM_HORIZON, 'w/1');
    const row = await rawRow();
    expect(row).toMatchObject({ ownerSwitchesSinceCheckpoint: { N: '0' } });
    for (const name of ['pendingCheckpoint', 'pendingCheckpointSubSequenceNumber', 'pendingCheckpointState']) {
      expect(row).not.toHaveProperty(name);
    }
  });

  it('are not the only ones in the table: other entities of the KCL are skipped', async () => {
    await put(kclRow());
    await put({ leaseKey: { S: 'Leader' }, entityType: { S: 'LEADER' }, ownerName: { S: 'java' } });
    await put({ leaseKey: { S: 'worker' }, entityType: { S: 'WORKER_METRIC_STATS' }, lut: { N: '1' } });
    const { leases, corrupt } = await aStore().list({ consistent: true });
    expect(leases.map((lease) => lease.leaseKey)).toEqual([leaseKey]);
    expect(corrupt).toEqual([]);
  });

  it('are read over several pages', async () => {
    const padding = { S: 'x'.repeat(300_000) };
    for (const key of ['a', 'b', 'c', 'd', 'e']) await put({ ...kclRow(), leaseKey: { S: key }, padding });
    const { leases } = await aStore().list({ consistent: true });
    expect(leases).toHaveLength(5);
  });
});

describe('calls of DynamoDbLeaseStore', () => {
  function failingWith(error: Error): DynamoDbLeaseStore {
    const dynamodb = { send: () => Promise.reject(error) } as never;
    return new DynamoDbLeaseStore({ dynamodb, tableName, clock: systemClock, callTimeoutMs: 5_000 });
  }

  it('name the permission that is missing', async () => {
    const cause = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
    const store = failingWith(cause);
    const missing = (action: string) => ({
      code: 'PERMISSION_MISSING',
      action,
      resource: 'table flight-delays',
      cause,
    });
    await expect(store.list({ consistent: true })).rejects.toMatchObject(missing('dynamodb:Scan'));
    await expect(store.get('x')).rejects.toMatchObject(missing('dynamodb:GetItem'));
    await expect(store.create(aSeed, 'w/1')).rejects.toMatchObject(missing('dynamodb:PutItem'));
    await expect(store.renew({ leaseKey, counter: 1, owner: 'a' }, 'w/1')).rejects.toMatchObject(
      missing('dynamodb:UpdateItem'),
    );
  });

  it('say that the table is gone', async () => {
    const store = failingWith(Object.assign(new Error('no'), { name: 'ResourceNotFoundException' }));
    await expect(store.get('x')).rejects.toMatchObject({ code: 'LEASE_TABLE_MISSING' });
  });

  it('use the row that DynamoDB gives back with a failed condition, without another call', async () => {
    const error = Object.assign(new Error('no'), { name: 'ConditionalCheckFailedException', Item: kclRow() });
    const result = await failingWith(error).renew({ leaseKey, counter: 1, owner: 'a' }, 'w/1');
    expect(result).toMatchObject({ kind: 'refused', lease: { leaseCounter: 1234, leaseOwner: 'java' } });
  });

  it('give up at their deadline and abort the request', async () => {
    const clock = new ManualClock();
    let aborted = false;
    const dynamodb = {
      send: (_: unknown, { abortSignal }: { abortSignal: AbortSignal }) => {
        abortSignal.addEventListener('abort', () => (aborted = true));
        return new Promise(() => undefined);
      },
    } as never;
    const store = new DynamoDbLeaseStore({ dynamodb, tableName, clock, callTimeoutMs: 2_500 });
    const outcome = expect(store.get('x')).rejects.toMatchObject({ code: 'CALL_TIMEOUT', deadlineMs: 2_500 });
    await clock.advance(2_499);
    await settle();
    expect(aborted).toBe(false);
    await clock.advance(1);
    await outcome;
    expect(aborted).toBe(true);
  });
});

/** As KCL 2.x writes it. */
function kclRow(): Record<string, AttributeValue> {
  return {
    leaseKey: { S: leaseKey },
    leaseCounter: { N: '1234' },
    leaseOwner: { S: 'java' },
    ownerSwitchesSinceCheckpoint: { N: '3' },
    checkpoint: { S: '49590338271490256608559692538361571095921575989136588898' },
    checkpointSubSequenceNumber: { N: '0' },
    parentShardId: { SS: ['shardId-000000000007'] },
  };
}
