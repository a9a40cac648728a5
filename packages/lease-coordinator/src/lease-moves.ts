import {
  CallTimeoutError,
  effectiveOwner,
  type Lease,
  type LeaseSeed,
  type Logger,
  type StreamIdentity,
} from '@millrace/core';
import { type Moment, readMoment, wholeWallMs } from './moment';
import type { CreateResult, LeaseStore, WriteResult } from './lease-store';
import { type AttemptsOutcome, sendUntilAnswered, type WriteContext } from './write-attempts';

export interface LeaseMovesDependencies extends WriteContext {
  readonly store: LeaseStore;
  readonly logger: Logger;
  readonly me: string;
  readonly identity: StreamIdentity;
  readonly initialTimestampMs: number | undefined;
  readonly nextWriteId: () => string;
}

/** A lease that is now this worker's, and since when others may count on that. */
export interface AcquiredLease {
  /** The row as the acquiring write left it. */
  readonly lease: Lease;
  /** The start of the first attempt of that write: the lease lives for a failover time from there. */
  readonly acquiredAt: Moment;
  /** From a worker that had it, and has not given it up. */
  readonly wasTakenAway: boolean;
}

/** `lost-race`: another worker was quicker. `failed`: nobody knows, or it cannot be written now. */
export type Acquired = AcquiredLease | 'lost-race' | 'failed';

/** A move that takes longer is given up: a lease acquired so late could hardly be renewed in time. */
const MOVE_TIME = 1 / 2;

/**
 * The writes to leases that this worker does not hold: they acquire one, ask for one, or give back one that was handed
 * over in vain. Losing a race is a normal result of each.
 */
export class LeaseMoves {
  readonly #deps: LeaseMovesDependencies;

  constructor(deps: LeaseMovesDependencies) {
    this.#deps = deps;
  }

  take(observed: Lease): Promise<Acquired> {
    return this.#acquire('take', observed);
  }

  adopt(observed: Lease): Promise<Acquired> {
    return this.#acquire('adopt', observed);
  }

  /** True when the lease is on its way to me, by this request or an earlier one. */
  async request(observed: Lease): Promise<boolean> {
    const { store, me, nextWriteId, logger } = this.#deps;
    const writeId = nextWriteId();
    const outcome = await this.#attempt('request-handover', observed, () =>
      store.requestHandover(observed, { receiver: me, writeId }),
    );
    if (outcome.kind !== 'answered') return false;
    const { leaseKey } = observed;
    if (outcome.result.kind === 'applied') {
      logger.debug({ leaseKey, from: observed.leaseOwner }, 'lease asked for');
      return true;
    }
    return outcome.result.lease?.leaseOwner === me;
  }

  /** Gives back a lease that was handed over to me and that I do not want any more. */
  async decline(observed: Lease): Promise<void> {
    const { store, me, nextWriteId, logger } = this.#deps;
    const writeId = nextWriteId();
    const held = { leaseKey: observed.leaseKey, counter: observed.leaseCounter, owner: me };
    await this.#attempt('decline', observed, () => store.release(held, writeId, undefined));
    logger.debug({ leaseKey: observed.leaseKey }, 'handed-over lease declined');
  }

  /** Passes on a lease that was handed over to me and asked for by another before I could adopt it. */
  async passOn(observed: Lease): Promise<void> {
    const { store, me, nextWriteId, logger } = this.#deps;
    const writeId = nextWriteId();
    const held = { leaseKey: observed.leaseKey, counter: observed.leaseCounter, owner: me };
    await this.#attempt('pass-on', observed, () => store.completeHandover(held, writeId));
    logger.debug({ leaseKey: observed.leaseKey, to: observed.leaseOwner }, 'handed-over lease passed on');
  }

  /** Takes a lease from an owner who goes on renewing, but does not answer a request. Nobody has it then. */
  async evict(observed: Lease): Promise<boolean> {
    const { store, nextWriteId } = this.#deps;
    const writeId = nextWriteId();
    const outcome = await this.#attempt('evict', observed, () => store.evict(observed, writeId));
    return outcome.kind === 'answered' && outcome.result.kind === 'applied';
  }

  /** Adds a row, which whoever adds it holds unless it is to be nobody's, while there is time left. Rejects with what goes wrong. */
  async create(
    seed: LeaseSeed,
    { unowned, leftMs }: { readonly unowned: boolean; readonly leftMs: () => number },
  ): Promise<{ readonly isNew: boolean; readonly acquired: AcquiredLease | undefined }> {
    const { store, me, nextWriteId, clock, options } = this.#deps;
    const writeId = nextWriteId();
    const { failoverTimeMs } = options;
    const acquiredAtMs = wholeWallMs(readMoment(clock));
    const first = unowned ? undefined : { owner: me, failoverTimeMs, acquiredAtMs };
    const outcome = await this.#attempt('create', seed, () => store.create({ ...seed, first }, writeId), leftMs);
    if (outcome.kind !== 'answered') {
      const { callTimeoutMs } = this.#deps.options;
      throw outcome.error instanceof Error ? outcome.error : new CallTimeoutError('dynamodb:PutItem', callTimeoutMs);
    }
    const { kind, lease } = outcome.result;
    const isNew = kind === 'created';
    const isMine = isNew && lease.writeId === writeId && effectiveOwner(lease) === me;
    return { isNew, acquired: isMine ? { lease, acquiredAt: outcome.startedAt, wasTakenAway: false } : undefined };
  }

  async #acquire(operation: 'take' | 'adopt', observed: Lease): Promise<Acquired> {
    const { store, me, nextWriteId, clock, logger, options, identity, initialTimestampMs } = this.#deps;
    const { failoverTimeMs } = options;
    const acquisition = {
      ...{ owner: me, writeId: nextWriteId(), failoverTimeMs, identity, initialTimestampMs },
      acquiredAtMs: wholeWallMs(readMoment(clock)),
    };
    const outcome = await this.#attempt(operation, observed, () => store[operation](observed, acquisition));
    if (outcome.kind !== 'answered') return 'failed';
    const { kind, lease } = outcome.result;
    const isMine =
      lease !== undefined &&
      (kind === 'applied' || (lease.writeId === acquisition.writeId && effectiveOwner(lease) === me));
    if (isMine) return { lease, acquiredAt: outcome.startedAt, wasTakenAway: isTakenAway(observed, operation, me) };
    logger.debug({ leaseKey: observed.leaseKey, operation, owner: lease?.leaseOwner }, 'lease went to another worker');
    return 'lost-race';
  }

  #attempt<T extends WriteResult | CreateResult>(
    operation: string,
    { leaseKey }: { readonly leaseKey: string },
    send: () => Promise<T>,
    leftMs: () => number = () => Infinity,
  ): Promise<AttemptsOutcome<T>> {
    const { clock, options } = this.#deps;
    const endMs = clock.now() + options.failoverTimeMs * MOVE_TIME;
    return sendUntilAnswered(this.#deps, {
      ...{ operation, leaseKey, send },
      sendUntilMs: () => Math.min(endMs, clock.now() + leftMs()),
    });
  }
}

/** What was handed over, and not adopted, nobody has read under. */
function isTakenAway(observed: Lease, operation: 'take' | 'adopt', me: string): boolean {
  const owner = effectiveOwner(observed);
  return operation === 'take' && owner !== undefined && owner !== me && !observed.handedOver;
}
