import type { AbortSignalLike, Clock } from '@millrace/core';
import type { LeaseReporter } from './lease-reporter';
import type { ResolvedLeaseOptions } from './lease-options';
import type { WorkerDescription } from './worker-row';
import type { WorkerStore } from './worker-store';

export interface WorkerRegistrationDependencies {
  readonly store: WorkerStore;
  readonly worker: WorkerDescription;
  readonly options: ResolvedLeaseOptions;
  readonly clock: Clock;
  readonly reporter: LeaseReporter;
  readonly leasesHeld: () => number;
  readonly isFilling: () => boolean;
  /** The rows of these leases have changed in a way that concerns this worker. Called after they were taken out of the box. */
  readonly onMail: (leaseKeys: readonly string[]) => void;
}

/** Mail that comes up within this time is sent together. After letters were sent, all that comes up until others look again. */
const COLLECT_MAIL_MS = 20;
/** As many names as are sent with one write: far below what an item may hold. */
const MAX_NAMES = 500;

/**
 * This worker's row in the registry: signs of life, and its mailbox.
 *
 * Three loops: the row is written every renewal interval, the mailbox read every mail interval, and what others are to be
 * told is collected for a moment and sent. Mail says only "look at these rows": what it means stands in the rows. It is
 * taken out of the box *before* they are read, so that a change after that reading is announced again. Mail that is lost
 * costs time until the next reading of the table, nothing else; neither do failures here.
 */
export class WorkerRegistration {
  readonly #deps: WorkerRegistrationDependencies;
  readonly #outgoing = new Map<string, Set<string>>();
  readonly #sending = new Set<Promise<void>>();
  #isCollecting = false;
  #sentAtMs = -Infinity;
  #lastWrite: Promise<void> = Promise.resolve();
  #stopping = false;
  #hasLeft = false;

  constructor(deps: WorkerRegistrationDependencies) {
    this.#deps = deps;
  }

  /** Makes this worker known, as it is now. Rejects if that fails; may be called again. */
  async register(): Promise<void> {
    await this.#beat();
  }

  /** Until `signal` aborts. */
  async run(signal: AbortSignalLike): Promise<void> {
    const { renewIntervalMs, mailIntervalMs } = this.#deps.options;
    await Promise.all([
      this.#every(renewIntervalMs, signal, 'heartbeat', () => this.#beat()),
      this.#every(mailIntervalMs, signal, 'read-mail', () => this.#readMail()),
    ]);
  }

  /** Tells a worker to look at a lease's row. */
  notify(workerId: string, leaseKey: string): void {
    const names = this.#outgoing.get(workerId);
    if (names === undefined) this.#outgoing.set(workerId, new Set([leaseKey]));
    else names.add(leaseKey);
    if (this.#isCollecting) return;
    this.#isCollecting = true;
    const sending = this.#sendSoon().finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** Nobody is to count on this worker any more. */
  async announceStop(): Promise<void> {
    this.#stopping = true;
    await this.#attempt('heartbeat', () => this.#beat());
  }

  /** Sends what is still to be sent. */
  async flush(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  /** Removes the row. */
  async deregister(): Promise<void> {
    const { store, worker } = this.#deps;
    this.#hasLeft = true;
    await this.#attempt('deregister', () => this.#inTurn(() => store.deregister(worker.workerId)));
  }

  /** One after another, so that none says what another has taken back. */
  #beat(): Promise<void> {
    return this.#inTurn(() => this.#beatNow());
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const done = this.#lastWrite.then(write);
    this.#lastWrite = done.catch(() => undefined);
    return done;
  }

  /** None after the row was removed: it would come back. */
  async #beatNow(): Promise<void> {
    if (this.#hasLeft) return;
    const { store, worker, clock, leasesHeld, isFilling } = this.#deps;
    const state = {
      leasesHeld: leasesHeld(),
      stopping: this.#stopping,
      filling: isFilling(),
      wallTimeMs: clock.wallTime(),
    };
    await this.#deliver(await store.heartbeat(worker, state));
  }

  async #readMail(): Promise<void> {
    const { store, worker } = this.#deps;
    await this.#deliver(await store.readMail(worker.workerId));
  }

  async #deliver(leaseKeys: readonly string[]): Promise<void> {
    const { store, worker, onMail } = this.#deps;
    if (leaseKeys.length === 0) return;
    await store.takeMail(worker.workerId, leaseKeys);
    onMail(leaseKeys);
  }

  async #sendSoon(): Promise<void> {
    const { store, clock, options } = this.#deps;
    const untilOthersLookMs = this.#sentAtMs + options.mailIntervalMs - clock.now();
    await clock.sleep(Math.max(COLLECT_MAIL_MS, untilOthersLookMs));
    this.#sentAtMs = clock.now();
    this.#isCollecting = false;
    const letters = [...this.#outgoing].flatMap(([workerId, names]) => {
      const all = [...names];
      return Array.from({ length: Math.ceil(all.length / MAX_NAMES) }, (_, page) => ({
        workerId,
        leaseKeys: all.slice(page * MAX_NAMES, (page + 1) * MAX_NAMES),
      }));
    });
    this.#outgoing.clear();
    await Promise.all(
      letters.map(({ workerId, leaseKeys }) => this.#attempt('send-mail', () => store.sendMail(workerId, leaseKeys))),
    );
  }

  async #every(
    intervalMs: number,
    signal: AbortSignalLike,
    operation: string,
    step: () => Promise<void>,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#deps.clock.sleep(intervalMs, signal);
      } catch {
        return;
      }
      await this.#attempt(operation, step);
    }
  }

  /** What fails here costs nobody a lease. */
  async #attempt(operation: string, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#deps.reporter.callFailed(operation, error);
    }
  }
}
