import { type Lease, type LeaseSeed, TRIM_HORIZON } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { expect } from '@jest/globals';
import type { Acquisition, LeaseStore, WorkerDescription, WriteResult } from '../src';

export interface LeaseStoreHarness {
  readonly store: LeaseStore;
  /** Writes a whole row, as another worker left it. */
  put(lease: Lease): Promise<void>;
  /** Makes a row that cannot be understood. */
  putCorrupt(leaseKey: string): Promise<void>;
  /** Makes a worker's row in the registry of the same table. */
  putWorker(worker: WorkerDescription): Promise<void>;
}

export const leaseKey = 'shardId-000000000000';
export const identity = { streamName: 'flights', streamArn: 'arn:flights', streamCreatedAtMs: 1_600_000_000_000 };

/** That a row names its stream. */
export const ofTheStream: Pick<Lease, 'streamArn' | 'streamCreatedAtMs'> = {
  streamArn: identity.streamArn,
  streamCreatedAtMs: identity.streamCreatedAtMs,
};

export const aSeed: LeaseSeed = {
  leaseKey,
  leaseCounter: 0,
  checkpoint: TRIM_HORIZON,
  parentShardIds: [],
  hashKeyRange: { start: '0', end: '9' },
  healed: false,
  root: false,
  initialTimestampMs: undefined,
  streamArn: identity.streamArn,
  streamCreatedAtMs: identity.streamCreatedAtMs,
};

export const byMe: Acquisition = {
  owner: 'me',
  writeId: 'me/1',
  failoverTimeMs: 10_000,
  acquiredAtMs: 1_700_000_000_123,
  initialTimestampMs: 1_700_000_000_000,
  identity,
};

/** A lease that `a` holds, at counter 7. */
export const heldByA = aLease({ leaseCounter: 7, leaseOwner: 'a', writeId: 'a/7', acquiredAtMs: 5, ...ofTheStream });
export const asA = { leaseKey, counter: 7, owner: 'a' };
/** `b` has asked `a` for it. */
export const askedByB: Lease = { ...heldByA, leaseOwner: 'b', checkpointOwner: 'a', receiver: 'b' };
/** A KCL 2 worker has stolen it during that hand-over: residue is left. */
export const stolenByKcl: Lease = { ...askedByB, leaseCounter: 8, leaseOwner: 'kcl' };

/** The store of the test that runs. */
export class LeaseStoreSubject {
  #harness: LeaseStoreHarness | undefined;

  set harness(harness: LeaseStoreHarness) {
    this.#harness = harness;
  }

  get harness(): LeaseStoreHarness {
    if (this.#harness === undefined) throw new Error('no test runs');
    return this.#harness;
  }

  get store(): LeaseStore {
    return this.harness.store;
  }

  put(lease: Lease): Promise<void> {
    return this.harness.put(lease);
  }

  /** The write does nothing, and shows the row. */
  async refuses(result: Promise<WriteResult>, row: Lease): Promise<void> {
    expect(await result).toEqual({ kind: 'refused', lease: row });
    expect(await this.store.get(row.leaseKey)).toEqual(row);
  }

  /** The write does nothing, and brings no row back. */
  async refusesWithoutRow(result: Promise<WriteResult>): Promise<void> {
    expect(await result).toEqual({ kind: 'refused', lease: undefined });
    expect(await this.store.get(leaseKey)).toBeUndefined();
  }

  async applies(result: Promise<WriteResult>, after: Lease): Promise<void> {
    expect(await result).toEqual({ kind: 'applied', lease: after });
    expect(await this.store.get(after.leaseKey)).toEqual(after);
  }
}
