import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseWorkerItem } from '../src/worker-row';
import { DynaliteServer } from './dynalite-server';
import { RealLeaseTable } from './real-lease-table';
import { aWorker, aWorkerRow } from './worker-rows';
import { describeWorkerStore } from './worker-store-contract';

let server: DynaliteServer;
let table: RealLeaseTable;

beforeAll(async () => {
  server = await DynaliteServer.start();
  table = new RealLeaseTable(server.client);
  await table.create();
});

afterAll(() => server.stop());

describeWorkerStore('DynamoDbWorkerStore', async () => {
  await table.clear();
  return {
    store: table.workerStore(),
    rows: async () => (await table.leaseStore().list({ consistent: true })).workers,
  };
});

describe('the rows of DynamoDbWorkerStore', () => {
  beforeEach(() => table.clear());

  it('are worker metrics of the KCL that its leader does not count: a time, and a metric whose limit is 0', async () => {
    const state = { leasesHeld: 4, stopping: false, filling: false, wallTimeMs: 1_700_000_000_999 };
    await table.workerStore().heartbeat(aWorker('w', { maxLeases: 7 }), state);
    expect(await table.raw('w')).toEqual({
      leaseKey: { S: 'w' },
      entityType: { S: 'WORKER_METRIC_STATS' },
      lut: { N: '1700000000' },
      sts: { M: { C: { L: [{ N: '0' }] } } },
      opr: { M: { C: { L: [{ N: '0' }] } } },
      millraceHeartbeat: { N: '1' },
      millraceHost: { S: 'host-1' },
      millraceStarted: { N: '1700000000000' },
      millraceVersion: { S: '1.2.3' },
      millracePlan: { N: '1' },
      millraceMaxLeases: { N: '7' },
      millraceFailoverMs: { N: '10000' },
      millraceHandoverTimeout: { N: '30000' },
      millraceLeasesHeld: { N: '4' },
      millraceStopping: { BOOL: false },
      millraceFilling: { BOOL: false },
    });
  });

  it('are not those of a KCL worker, which is neither seen nor told nor removed', async () => {
    const kclRow: Record<string, AttributeValue> = {
      leaseKey: { S: 'java' },
      entityType: { S: 'WORKER_METRIC_STATS' },
      lut: { N: '1700000000' },
      sts: { M: { C: { L: [{ N: '12.5' }] } } },
      opr: { M: { C: { L: [{ N: '80' }] } } },
    };
    await table.put(kclRow);
    const store = table.workerStore();
    await store.sendMail('java', ['s-1']);
    await store.takeMail('java', ['s-1']);
    await store.removeWorker(aWorkerRow('java', { heartbeat: 0 }));
    expect(await store.readMail('java')).toEqual([]);
    expect(await table.raw('java')).toEqual(kclRow);
    expect(await table.leaseStore().list({ consistent: true })).toEqual({ leases: [], corrupt: [], workers: [] });
  });

  it('keep what Millrace does not know', async () => {
    const store = table.workerStore();
    const idle = { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 0 };
    await store.heartbeat(aWorker('w'), idle);
    await table.put({ ...(await table.raw('w')), millraceLater: { S: 'x' } });
    await store.heartbeat(aWorker('w'), idle);
    expect(await table.raw('w')).toMatchObject({ millraceLater: { S: 'x' }, millraceHeartbeat: { N: '2' } });
  });

  it('do no harm when something in them is odd', () => {
    expect(parseWorkerItem({ leaseKey: { S: 'w' } })).toEqual({
      ...{ workerId: 'w', heartbeat: 0, host: '', startedAtMs: 0, version: '', planVersion: 1 },
      ...{
        maxLeases: Infinity,
        failoverTimeMs: 0,
        handoverTimeoutMs: 0,
        leasesHeld: 0,
        stopping: false,
        filling: false,
      },
    });
    const odd = {
      leaseKey: { S: 'w' },
      millraceMaxLeases: { N: '-1' },
      millracePlan: { S: 'two' },
      millraceStopping: { S: 'no' },
    };
    expect(parseWorkerItem(odd)).toMatchObject({ maxLeases: Infinity, planVersion: 1, stopping: false });
  });
});

describe('calls of DynamoDbWorkerStore', () => {
  it('reject when they fail, and name the permission that is missing', async () => {
    const denied = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
    const store = new RealLeaseTable({ send: () => Promise.reject(denied) } as never).workerStore();
    const missing = (action: string): object => ({ code: 'PERMISSION_MISSING', action });
    const idle = { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 0 };
    await expect(store.heartbeat(aWorker('w'), idle)).rejects.toMatchObject(missing('dynamodb:UpdateItem'));
    await expect(store.readMail('w')).rejects.toMatchObject(missing('dynamodb:GetItem'));
    await expect(store.sendMail('w', ['s'])).rejects.toMatchObject(missing('dynamodb:UpdateItem'));
    await expect(store.takeMail('w', ['s'])).rejects.toMatchObject(missing('dynamodb:UpdateItem'));
    await expect(store.deregister('w')).rejects.toMatchObject(missing('dynamodb:DeleteItem'));
    await expect(store.removeWorker(aWorkerRow('w'))).rejects.toMatchObject(missing('dynamodb:DeleteItem'));
  });
});
