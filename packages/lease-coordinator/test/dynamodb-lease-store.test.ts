import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { type AbortSignalLike, checkpointAt, systemClock, TRIM_HORIZON } from '@millrace/core';
import { ManualClock, settle } from '@millrace/core/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DynamoDbLeaseStore } from '../src';
import { DynaliteServer } from './dynalite-server';
import { rowOf } from './lease-rows';
import { describeLeaseStore } from './lease-store-contract';
import { aSeed, leaseKey } from './lease-store-subject';
import { RealLeaseTable, tableName } from './real-lease-table';

let server: DynaliteServer;
let table: RealLeaseTable;

beforeAll(async () => {
  server = await DynaliteServer.start();
  table = new RealLeaseTable(server.client);
  await table.create();
});

afterAll(() => server.stop());

describeLeaseStore('DynamoDbLeaseStore', async () => {
  await table.clear();
  return {
    store: table.leaseStore(),
    put: (lease) => table.put(rowOf(lease)),
    putCorrupt: (key) => table.putCorrupt(key),
    putWorker: async (worker) => {
      await table.workerStore().heartbeat(worker, { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 0 });
    },
  };
});

describe('the rows of DynamoDbLeaseStore', () => {
  beforeEach(() => table.clear());

  it('are the KCL’s, with what is empty absent', async () => {
    await table.leaseStore().create({ ...aSeed, parentShardIds: ['shardId-1'] }, 'w/1');
    expect(await table.raw(leaseKey)).toEqual({
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
    await table.put({ ...kclRow(), ...unknown });
    const store = table.leaseStore();
    const identity = { streamName: 'x', streamArn: 'arn:x', streamCreatedAtMs: 1 };
    const me = { owner: 'me', writeId: 'me/1', failoverTimeMs: 10, acquiredAtMs: 3, initialTimestampMs: 1, identity };
    const holder = (counter: number, owner = 'me') => ({ leaseKey, counter, owner });
    await store.take((await store.get(leaseKey))!, me);
    await store.renew(holder(1235), 'me/2');
    await store.checkpoint(holder(1236), checkpointAt({ sequenceNumber: '5', subSequenceNumber: 1 }), 'me/3', {
      passesAttempted: false,
    });
    await store.requestHandover((await store.get(leaseKey))!, { receiver: 'b', writeId: 'b/1' });
    await store.completeHandover(holder(1237), 'me/4');
    await store.adopt((await store.get(leaseKey))!, { ...me, owner: 'b', writeId: 'b/2' });
    await store.requestHandover((await store.get(leaseKey))!, { receiver: 'c', writeId: 'c/1' });
    await store.cancelHandover(holder(1239, 'b'), 'b/3');
    await store.release(holder(1240, 'b'), 'b/4', 'c');
    await store.evict((await store.get(leaseKey))!, 'd/1');
    await store.take((await store.get(leaseKey))!, me);
    await store.release(holder(1243), 'me/5', undefined);
    expect(await table.raw(leaseKey)).toMatchObject({
      ...unknown,
      leaseCounter: { N: '1244' },
      checkpoint: { S: '5' },
    });
    expect(Object.keys((await table.raw(leaseKey)) ?? {}).sort()).toEqual(
      [
        ...Object.keys({ ...kclRow(), ...unknown }).filter((name) => name !== 'leaseOwner'),
        ...['millraceAcquired', 'millraceFailoverMs', 'millraceStreamArn', 'millraceStreamCreated', 'millraceWrite'],
      ].sort(),
    );
  });

  it('end a two-phase checkpoint of the KCL with a checkpoint', async () => {
    await table.put({
      ...kclRow(),
      pendingCheckpoint: { S: '7' },
      pendingCheckpointSubSequenceNumber: { N: '0' },
      pendingCheckpointState: { B: new Uint8Array([1]) },
    });
    await table
      .leaseStore()
      .checkpoint({ leaseKey, counter: 1234, owner: 'java' }, TRIM_HORIZON, 'w/1', { passesAttempted: false });
    const row = await table.raw(leaseKey);
    expect(row).toMatchObject({ ownerSwitchesSinceCheckpoint: { N: '0' } });
    for (const name of ['pendingCheckpoint', 'pendingCheckpointSubSequenceNumber', 'pendingCheckpointState']) {
      expect(row).not.toHaveProperty(name);
    }
  });

  it('are not the only ones in the table: other entities of the KCL are skipped', async () => {
    await table.put(kclRow());
    await table.put({ leaseKey: { S: 'Leader' }, entityType: { S: 'LEADER' }, ownerName: { S: 'java' } });
    await table.put({ leaseKey: { S: 'worker' }, entityType: { S: 'WORKER_METRIC_STATS' }, lut: { N: '1' } });
    const { leases, corrupt } = await table.leaseStore().list({ consistent: true });
    expect(leases.map((lease) => lease.leaseKey)).toEqual([leaseKey]);
    expect(corrupt).toEqual([]);
  });

  it('are read over several pages, each told of when it has arrived', async () => {
    const padding = { S: 'x'.repeat(300_000) };
    for (const key of ['a', 'b', 'c', 'd', 'e']) await table.put({ ...kclRow(), leaseKey: { S: key }, padding });
    const pages: number[] = [];
    const { leases } = await table
      .leaseStore()
      .list({ consistent: true, onPage: (page) => void pages.push(page.length) });
    expect(leases).toHaveLength(5);
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.reduce((sum, length) => sum + length, 0)).toBe(5);
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
      send: (_: unknown, { abortSignal }: { abortSignal: AbortSignalLike }) => {
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
