import type { Checkpoint, Lease, Random } from '@millrace/core';
import { checkpointAt, silentLogger } from '@millrace/core';
import { aLease, ManualClock, RecordingLogger, seededRandom } from '@millrace/core/testing';
import { resolveLeaseOptions } from '../src';
import { CallWindow } from '../src/call-window';
import { HeldLease } from '../src/held-lease';
import type { HeldLeaseParts } from '../src/held-lease-parts';
import { readMoment } from '../src/moment';
import { LeaseReporter } from '../src/lease-reporter';
import { InMemoryLeaseStore, InMemoryLeaseTable, type LeaseCall, type LeaseFault } from '../src/testing';

export const leaseKey = 'shardId-000000000000';
export const options = resolveLeaseOptions({ handoverTimeoutMs: 5_000 }, []);
export const identity = { streamName: 'flights', streamArn: 'arn:flights', streamCreatedAtMs: 1 };

export const at = (sequenceNumber: number): Checkpoint =>
  checkpointAt({ sequenceNumber: String(sequenceNumber), subSequenceNumber: 0 });

export const timeout = (): Error => Object.assign(new Error('late'), { name: 'TimeoutError' });
export const throttle = (): Error =>
  Object.assign(new Error('slow down'), { name: 'ProvisionedThroughputExceededException' });

export const accessDenied = (): Error => Object.assign(new Error('no'), { name: 'AccessDeniedException' });

/** A clock whose wall clock can jump: the machine was suspended, or its time was set. */
export class SuspendableClock extends ManualClock {
  driftMs = 0;

  override wallTime(): number {
    return super.wallTime() + this.driftMs;
  }
}

/** Chance, but for the first draw of a held lease: its first renewal comes after a whole interval. */
function chance(): Random {
  const seeded = seededRandom(1);
  let draws = 0;
  return { next: () => (draws++ === 0 ? 0 : seeded.next()) };
}

/** One lease that `me` has just acquired with counter 1, and the table it stands in. */
export class HeldLeaseHarness {
  readonly clock = new SuspendableClock();
  readonly logger = new RecordingLogger();
  readonly table = new InMemoryLeaseTable();
  /** Every call that was sent, faults included. */
  readonly calls: (LeaseCall & { readonly atMs: number })[] = [];
  readonly store = new InMemoryLeaseStore({ clock: this.clock, table: this.table });
  /** Another worker's, or an operator's, without faults. */
  readonly others = new InMemoryLeaseStore({ clock: this.clock, table: this.table });
  readonly window = new CallWindow();
  readonly held: HeldLease;
  readonly done: Promise<void>;
  /** Workers that are known to be gone. */
  readonly gone = new Set<string>();
  /** Who the plan names for the lease. */
  successor: string | undefined;
  #faults: LeaseFault[] = [];
  #writes = 0;

  constructor(row: Partial<Lease> = {}, { wasTakenAway = false } = {}) {
    this.store.fault = (call) => {
      this.calls.push({ ...call, atMs: this.clock.now() });
      return this.#faults.shift();
    };
    const lease = aLease({ leaseKey, leaseOwner: 'me', leaseCounter: 1, writeId: 'me/take', ...row });
    this.table.put(lease);
    const parts: HeldLeaseParts = {
      store: this.store,
      clock: this.clock,
      random: chance(),
      logger: this.logger,
      reporter: new LeaseReporter(this.clock, silentLogger, {}),
      options,
      window: this.window,
      me: 'me',
      nextWriteId: () => `me/${String(++this.#writes)}`,
      isGone: (worker) => this.gone.has(worker),
      successorOf: async () => this.successor,
    };
    this.held = new HeldLease(parts, { lease, acquiredAt: readMoment(this.clock), wasTakenAway });
    this.done = this.held.run();
  }

  /** What goes wrong with the next calls, in order. */
  failNext(...faults: LeaseFault[]): void {
    this.#faults.push(...faults);
  }

  /** Before those that are still to come. */
  failFirst(...faults: LeaseFault[]): void {
    this.#faults.unshift(...faults);
  }

  failAlways(fault: LeaseFault): void {
    this.#faults = Array.from({ length: 1_000 }, () => fault);
  }

  heal(): void {
    this.#faults = [];
  }

  row(): Lease {
    const row = this.table.get(leaseKey);
    if (row === undefined) throw new Error('the row is gone');
    return row;
  }

  operations(): string[] {
    return this.calls.map(({ operation }) => operation);
  }

  async stolenBy(owner: string): Promise<void> {
    const acquisition = {
      owner,
      writeId: `${owner}/take-again`,
      failoverTimeMs: 10_000,
      acquiredAtMs: this.clock.wallTime(),
      initialTimestampMs: undefined,
      identity,
    };
    await this.others.take(this.row(), acquisition);
  }

  async evicted(): Promise<void> {
    await this.others.evict(this.row(), 'other/evict');
  }

  async askedBy(receiver: string): Promise<void> {
    await this.others.requestHandover(this.row(), { receiver, writeId: `${receiver}/1` });
  }
}
