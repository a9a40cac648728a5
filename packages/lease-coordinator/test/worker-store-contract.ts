import { beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkerRow, WorkerStore } from '../src';
import { aWorker, aWorkerRow } from './worker-rows';

export interface WorkerStoreHarness {
  readonly store: WorkerStore;
  /** The rows of the registry, as a reading of the lease table shows them. */
  rows(): Promise<readonly WorkerRow[]>;
}

const idle = { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 1_700_000_000_999 };

/** What every registry of workers has to do, whatever keeps its rows. */
export function describeWorkerStore(name: string, factory: () => Promise<WorkerStoreHarness>): void {
  describe(name, () => {
    let harness: WorkerStoreHarness;
    let store: WorkerStore;

    beforeEach(async () => {
      harness = await factory();
      store = harness.store;
    });

    describe('heartbeat', () => {
      it('makes the worker known, whole', async () => {
        const worker = aWorker('w', { maxLeases: 7, planVersion: 3, failoverTimeMs: 5_000 });
        expect(await store.heartbeat(worker, { ...idle, leasesHeld: 2 })).toEqual([]);
        expect(await harness.rows()).toEqual([
          { ...worker, heartbeat: 1, leasesHeld: 2, stopping: false, filling: false },
        ]);
      });

      it('knows no limit of leases where there is none', async () => {
        await store.heartbeat(aWorker('w'), idle);
        expect(await harness.rows()).toMatchObject([{ maxLeases: Infinity }]);
      });

      it('moves each time, and says what the worker does', async () => {
        const worker = aWorker('w');
        await store.heartbeat(worker, idle);
        await store.heartbeat(worker, { ...idle, leasesHeld: 9, stopping: true, filling: true });
        expect(await harness.rows()).toEqual([
          aWorkerRow('w', { heartbeat: 2, leasesHeld: 9, stopping: true, filling: true }),
        ]);
      });

      it('brings the row back whole when somebody has removed it', async () => {
        const worker = aWorker('w', { maxLeases: 7 });
        await store.heartbeat(worker, idle);
        await store.deregister('w');
        await store.heartbeat(worker, idle);
        expect(await harness.rows()).toEqual([
          { ...worker, heartbeat: 1, leasesHeld: 0, stopping: false, filling: false },
        ]);
      });

      it('is each worker’s own', async () => {
        await store.heartbeat(aWorker('a'), idle);
        await store.heartbeat(aWorker('b'), idle);
        await store.heartbeat(aWorker('b'), idle);
        const rows = await harness.rows();
        expect(Object.fromEntries(rows.map(({ workerId, heartbeat }) => [workerId, heartbeat]))).toEqual({
          a: 1,
          b: 2,
        });
      });
    });

    describe('the mailbox', () => {
      beforeEach(async () => {
        await store.heartbeat(aWorker('w'), idle);
      });

      async function mail(): Promise<string[]> {
        return [...(await store.readMail('w'))].sort();
      }

      it('is empty at first', async () => {
        expect(await mail()).toEqual([]);
      });

      it('holds what was sent, each lease once, until it is taken out', async () => {
        await store.sendMail('w', ['s-1', 's-2']);
        await store.sendMail('w', ['s-2', 's-3']);
        expect(await mail()).toEqual(['s-1', 's-2', 's-3']);
        await store.takeMail('w', ['s-1', 's-2']);
        expect(await mail()).toEqual(['s-3']);
        await store.sendMail('w', ['s-1']);
        expect(await mail()).toEqual(['s-1', 's-3']);
      });

      it('is told of with every sign of life, which leaves it as it is', async () => {
        await store.sendMail('w', ['s-1']);
        expect(await store.heartbeat(aWorker('w'), idle)).toEqual(['s-1']);
        expect(await mail()).toEqual(['s-1']);
      });

      it('can be emptied, and what is not in it taken out', async () => {
        await store.sendMail('w', ['s-1']);
        await store.takeMail('w', ['s-1', 's-9']);
        await store.takeMail('w', ['s-1']);
        expect(await mail()).toEqual([]);
        expect(await store.heartbeat(aWorker('w'), idle)).toEqual([]);
      });

      it('is no sign of life', async () => {
        await store.sendMail('w', ['s-1']);
        await store.takeMail('w', ['s-1']);
        expect(await harness.rows()).toMatchObject([{ heartbeat: 1 }]);
      });

      it('of a worker that is not there takes nothing, and brings nobody back', async () => {
        await store.sendMail('gone', ['s-1']);
        expect(await store.readMail('gone')).toEqual([]);
        await store.takeMail('gone', ['s-1']);
        expect((await harness.rows()).map(({ workerId }) => workerId)).toEqual(['w']);
        expect(await store.heartbeat(aWorker('gone'), idle)).toEqual([]);
      });
    });

    describe('deregister', () => {
      it('removes the row with its mail, however often', async () => {
        await store.heartbeat(aWorker('w'), idle);
        await store.sendMail('w', ['s-1']);
        await store.deregister('w');
        await store.deregister('w');
        expect(await harness.rows()).toEqual([]);
        expect(await store.readMail('w')).toEqual([]);
      });
    });

    describe('removeWorker', () => {
      it('removes a row that has not moved', async () => {
        await store.heartbeat(aWorker('w'), idle);
        await store.removeWorker(aWorkerRow('w', { heartbeat: 1 }));
        expect(await harness.rows()).toEqual([]);
      });

      it('leaves one that has moved since it was observed', async () => {
        await store.heartbeat(aWorker('w'), idle);
        await store.heartbeat(aWorker('w'), idle);
        await store.removeWorker(aWorkerRow('w', { heartbeat: 1 }));
        expect(await harness.rows()).toMatchObject([{ workerId: 'w', heartbeat: 2 }]);
      });

      it('does not mind one that is gone', async () => {
        await store.removeWorker(aWorkerRow('w'));
        expect(await harness.rows()).toEqual([]);
      });
    });
  });
}
