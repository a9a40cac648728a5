import {
  type AttemptedRange,
  type Checkpoint,
  type Clock,
  CorruptLeaseError,
  effectiveOwner,
  isHandoverPending,
  type Lease,
  type LeaseSeed,
} from '@millrace/core';
import type {
  Acquisition,
  CheckpointScope,
  CreateResult,
  HeldLeaseRef,
  LeaseListing,
  LeaseStore,
  ListOptions,
  WriteResult,
} from '../lease-store';
import { needsInitialTimestamp, switchesOwner } from '../lease-updates';
import { InMemoryLeaseTable } from './in-memory-lease-table';

export interface LeaseCall {
  readonly operation: keyof LeaseStore;
  /** Undefined for a listing. */
  readonly leaseKey: string | undefined;
}

/**
 * What goes wrong with one call. `error`: refused, without effect. `lost-before`: it never arrives, and is never
 * answered. `lost-after`: it takes effect and is never answered. `reset-after`: it takes effect and rejects with
 * `error`. `delay`: it takes effect after `beforeMs`, and is answered `afterMs` later.
 */
export type LeaseFault =
  | { readonly kind: 'error'; readonly error: Error }
  | { readonly kind: 'lost-before' }
  | { readonly kind: 'lost-after' }
  | { readonly kind: 'reset-after'; readonly error: Error }
  | { readonly kind: 'delay'; readonly beforeMs: number; readonly afterMs: number };

export interface InMemoryLeaseStoreOptions {
  readonly clock: Clock;
  /** Shared between the stores of several workers. */
  readonly table?: InMemoryLeaseTable;
  /** Asked once for each call. */
  readonly fault?: (call: LeaseCall) => LeaseFault | undefined;
}

/** A lease store that passes the same contract suite as the real one, and fails when told to. */
export class InMemoryLeaseStore implements LeaseStore {
  readonly table: InMemoryLeaseTable;
  /** Replaced by tests as they go. */
  fault: (call: LeaseCall) => LeaseFault | undefined;
  readonly #clock: Clock;
  readonly #corrupt = new Map<string, CorruptLeaseError>();

  constructor({ clock, table = new InMemoryLeaseTable(), fault = () => undefined }: InMemoryLeaseStoreOptions) {
    this.#clock = clock;
    this.table = table;
    this.fault = fault;
  }

  /** Makes a row one that cannot be understood. */
  corrupt(leaseKey: string, problem: string): void {
    this.#corrupt.set(leaseKey, new CorruptLeaseError(leaseKey, problem));
  }

  async list({ onPage }: Partial<ListOptions> = {}): Promise<LeaseListing> {
    const listing = await this.#call('list', undefined, () => ({
      leases: this.table.rows().filter(({ leaseKey }) => !this.#corrupt.has(leaseKey)),
      corrupt: [...this.#corrupt.values()],
      workers: this.table.workers(),
    }));
    onPage?.(listing.leases, listing.workers);
    return listing;
  }

  getMany(leaseKeys: readonly string[]): Promise<readonly Lease[]> {
    return this.#call('getMany', undefined, () =>
      leaseKeys.flatMap((leaseKey) => (this.#corrupt.has(leaseKey) ? [] : (this.table.get(leaseKey) ?? []))),
    );
  }

  get(leaseKey: string): Promise<Lease | undefined> {
    return this.#call('get', leaseKey, () => this.#read(leaseKey));
  }

  create(seed: LeaseSeed, writeId: string): Promise<CreateResult> {
    return this.#call('create', seed.leaseKey, () => {
      const found = this.#read(seed.leaseKey);
      if (found !== undefined) return { kind: found.writeId === writeId ? 'created' : 'exists', lease: found };
      const lease = newLease(seed, writeId);
      this.table.put(lease);
      return { kind: 'created', lease };
    });
  }

  take(observed: Lease, acquisition: Acquisition): Promise<WriteResult> {
    const { owner, initialTimestampMs, identity } = acquisition;
    return this.#update('take', observed.leaseKey, hasCounter(observed.leaseCounter), (row) => ({
      ...acquired(row, acquisition),
      ownerSwitchesSinceCheckpoint: row.ownerSwitchesSinceCheckpoint + (switchesOwner(observed, owner) ? 1 : 0),
      initialTimestampMs: row.initialTimestampMs ?? (needsInitialTimestamp(observed) ? initialTimestampMs : undefined),
      streamArn: row.streamArn ?? identity.streamArn,
      streamCreatedAtMs: row.streamCreatedAtMs ?? identity.streamCreatedAtMs,
    }));
  }

  adopt(observed: Lease, acquisition: Acquisition): Promise<WriteResult> {
    return this.#update(
      'adopt',
      observed.leaseKey,
      (row) =>
        row.leaseCounter === observed.leaseCounter && row.leaseOwner === acquisition.owner && !isHandoverPending(row),
      (row) => acquired(row, acquisition),
    );
  }

  renew(held: HeldLeaseRef, writeId: string): Promise<WriteResult> {
    return this.#update('renew', held.leaseKey, isHeldAs(held), (row) => written(row, writeId));
  }

  checkpoint(
    held: HeldLeaseRef,
    checkpoint: Checkpoint,
    writeId: string,
    { passesAttempted }: CheckpointScope,
  ): Promise<WriteResult> {
    return this.#update('checkpoint', held.leaseKey, isHeldAs(held), (row) => ({
      ...written(row, writeId),
      checkpoint,
      ownerSwitchesSinceCheckpoint: 0,
      attempted: passesAttempted ? [] : row.attempted,
    }));
  }

  attempt(held: HeldLeaseRef, attempted: readonly AttemptedRange[], writeId: string): Promise<WriteResult> {
    return this.#update('attempt', held.leaseKey, isHeldAs(held), (row) => ({ ...written(row, writeId), attempted }));
  }

  requestHandover(
    observed: Lease,
    { receiver }: { readonly receiver: string; readonly writeId: string },
  ): Promise<WriteResult> {
    return this.#update(
      'requestHandover',
      observed.leaseKey,
      (row) =>
        observed.leaseOwner !== undefined &&
        row.leaseOwner === observed.leaseOwner &&
        row.checkpointOwner === undefined &&
        row.checkpoint.kind !== 'shard-end',
      (row) => ({ ...row, leaseOwner: receiver, checkpointOwner: row.leaseOwner, receiver }),
    );
  }

  completeHandover(held: HeldLeaseRef, writeId: string): Promise<WriteResult> {
    return this.#update(
      'completeHandover',
      held.leaseKey,
      (row) => hasCounter(held.counter)(row) && isHandoverPending(row) && row.checkpointOwner === held.owner,
      (row) => ({
        ...written(row, writeId),
        checkpointOwner: undefined,
        receiver: undefined,
        handedOver: true,
        ownerSwitchesSinceCheckpoint: row.ownerSwitchesSinceCheckpoint + 1,
      }),
    );
  }

  cancelHandover(held: HeldLeaseRef, writeId: string): Promise<WriteResult> {
    return this.#update(
      'cancelHandover',
      held.leaseKey,
      (row) => hasCounter(held.counter)(row) && isHandoverPending(row) && row.checkpointOwner === held.owner,
      (row) => ({ ...written(row, writeId), leaseOwner: held.owner, checkpointOwner: undefined, receiver: undefined }),
    );
  }

  release(held: HeldLeaseRef, writeId: string, successor: string | undefined): Promise<WriteResult> {
    const switches = successor === undefined ? 0 : 1;
    return this.#update(
      'release',
      held.leaseKey,
      (row) => hasCounter(held.counter)(row) && row.leaseOwner === held.owner,
      (row) => ({
        ...withoutHandover(written(row, writeId)),
        leaseOwner: successor,
        handedOver: successor !== undefined,
        ownerSwitchesSinceCheckpoint: row.ownerSwitchesSinceCheckpoint + switches,
      }),
    );
  }

  evict(observed: Lease, writeId: string): Promise<WriteResult> {
    return this.#update('evict', observed.leaseKey, hasCounter(observed.leaseCounter), (row) => ({
      ...withoutHandover(written(row, writeId)),
      leaseOwner: undefined,
      evicted: true,
    }));
  }

  delete(observed: Lease): Promise<WriteResult> {
    return this.#update(
      'delete',
      observed.leaseKey,
      (row) => hasCounter(observed.leaseCounter)(row) && row.checkpoint.kind === 'shard-end',
      () => undefined,
    );
  }

  #update(
    operation: keyof LeaseStore,
    leaseKey: string,
    condition: (row: Lease) => boolean,
    effect: (row: Lease) => Lease | undefined,
  ): Promise<WriteResult> {
    return this.#call(operation, leaseKey, () => {
      const row = this.#read(leaseKey);
      if (row === undefined || !condition(row)) return { kind: 'refused', lease: row };
      const after = effect(row);
      if (after === undefined) this.table.remove(leaseKey);
      else this.table.put(after);
      return { kind: 'applied', lease: after ?? row };
    });
  }

  #read(leaseKey: string): Lease | undefined {
    const corrupt = this.#corrupt.get(leaseKey);
    if (corrupt !== undefined) throw corrupt;
    return this.table.get(leaseKey);
  }

  async #call<T>(operation: keyof LeaseStore, leaseKey: string | undefined, effect: () => T): Promise<T> {
    const fault = this.fault({ operation, leaseKey });
    switch (fault?.kind) {
      case undefined:
        return effect();
      case 'error':
        throw fault.error;
      case 'lost-before':
        return neverAnswered();
      case 'lost-after':
        effect();
        return neverAnswered();
      case 'reset-after':
        effect();
        throw fault.error;
      case 'delay': {
        await this.#clock.sleep(fault.beforeMs);
        const answer = effect();
        await this.#clock.sleep(fault.afterMs);
        return answer;
      }
    }
  }
}

function neverAnswered<T>(): Promise<T> {
  return new Promise(() => undefined);
}

function hasCounter(counter: number): (row: Lease) => boolean {
  return ({ leaseCounter }) => leaseCounter === counter;
}

function isHeldAs({ counter, owner }: HeldLeaseRef): (row: Lease) => boolean {
  return (row) => row.leaseCounter === counter && effectiveOwner(row) === owner;
}

function written(row: Lease, writeId: string): Lease {
  return { ...row, leaseCounter: row.leaseCounter + 1, writeId };
}

function withoutHandover(row: Lease): Lease {
  return { ...row, checkpointOwner: undefined, receiver: undefined, handedOver: false };
}

function acquired(row: Lease, { owner, writeId, failoverTimeMs, acquiredAtMs }: Acquisition): Lease {
  return {
    ...withoutHandover(written(row, writeId)),
    ...{ leaseOwner: owner, healed: false, evicted: false, failoverTimeMs, acquiredAtMs },
  };
}

function newLease({ first, ...seed }: LeaseSeed, writeId: string): Lease {
  return {
    ...seed,
    leaseOwner: first?.owner,
    checkpointOwner: undefined,
    childShardIds: [],
    ownerSwitchesSinceCheckpoint: 0,
    typed: true,
    receiver: undefined,
    handedOver: false,
    evicted: false,
    failoverTimeMs: first?.failoverTimeMs ?? seed.failoverTimeMs,
    acquiredAtMs: first?.acquiredAtMs,
    writeId,
    attempted: [],
  };
}
