import {
  type AbortSignalLike,
  type AttemptedRange,
  type Checkpoint,
  type CheckpointOutcome,
  compareCheckpoints,
  effectiveOwner,
  isHandoverPending,
  type Lease,
  LeaseLostError,
  StopSignal,
} from '@millrace/core';
import { Alarm } from './alarm';
import { CallLimit } from './call-limit';
import { areSameAttempts, isCrashLoop, passesAll } from './attempted-ranges';
import type { HeldLeaseParts, HeldWriteOptions } from './held-lease-parts';
import type { AcquiredLease } from './lease-moves';
import { HELD_UP_AFTER, LOOK_AGAIN_AFTER, RENEW_AGAIN_AFTER, RENEWAL_SPREAD } from './renewal-timing';
import type { Moment } from './moment';
import { UnansweredWrites } from './unanswered-writes';
import type { UnstoredCheckpoint } from './unstored-checkpoint';
import { judgeRefusal, storedAfterLoss, type WriteOutcome } from './refused-write';
import type { HeldLeaseRef, WriteResult } from './lease-store';
import { sendUntilAnswered } from './write-attempts';

/** How a held lease came to its end. `released` also when the row went to another before the answer came. */
export type LeaseEnding = 'released' | 'handed-over' | 'lost' | 'abandoned';

/**
 * One lease while this worker holds it: the only place that writes to its row.
 *
 * *Writes.* One after another; each bears one id through all its attempts. A refused write looks at the row: with this
 * id it got through; with the id of an earlier write of ours that nobody answered it only tells the counter to go on
 * from; anything else means that the lease is lost. No write is sent past the deadline or after the end.
 *
 * *Deadline.* A failover time after the **start of the first attempt** of the last write that got through. Others count
 * from the arrival of an answer that shows that write, which is later, so they take the lease only after we stopped.
 *
 * *Two loops*, which end with the lease. The renewal loop writes a sign of life, a checkpoint being one too, a renewal
 * interval after the start of the last one; sooner, by chance, after the acquisition and when it was held up. The watch
 * loop minds the clock while a write hangs: shortly before the deadline, or when a hand-over takes too long, it winds the
 * lease down, and at the deadline gives it up for lost.
 *
 * *Winding down* cannot be undone: the handler's signal has aborted, nothing more is delivered, nothing more renewed,
 * and no write moves the deadline, so that a handler that never ends cannot keep the lease. Checkpoints and the release
 * still go out until then.
 */
export class HeldLease {
  readonly leaseKey: string;
  /** The row as it was acquired: where to read on from. */
  readonly lease: Lease;
  /** The workers before this one may have ended at a record: one after another lost the lease, and none has got on. */
  readonly mayBeCrashLoop: boolean;
  /** Greater than that of every earlier holder of this lease. */
  readonly fencingToken: number;
  readonly #deps: HeldLeaseParts;
  readonly #lost = new StopSignal();
  /** Aborts with `LeaseLostError` when the lease is proven lost, its deadline has passed, or it was abandoned. */
  readonly lost: AbortSignalLike = this.#lost;
  readonly #expiring = new StopSignal();
  /** For the handler: aborts when the lease is about to be lost, is lost, or a hand-over takes too long. */
  readonly expiring: AbortSignalLike = this.#expiring;
  readonly #handoverRequested = new StopSignal();
  /** Aborts when another worker has asked for the lease: finish what is under way, then `release()`. */
  readonly handoverRequested: AbortSignalLike = this.#handoverRequested;
  readonly #renewAlarm: Alarm;
  readonly #watchAlarm: Alarm;
  readonly #unanswered = new UnansweredWrites();
  #counter: number;
  #confirmedAt: Moment;
  #renewAtMs: number;
  #renewNotBeforeMs = -Infinity;
  #handoverDueAtMs = Infinity;
  #receiver: string | undefined;
  /** Who has asked for the lease and was neither answered nor refused, as last seen. */
  #asker: string | undefined;
  #isCancelling = false;
  #checkpoint: Checkpoint;
  /** What the row says to have been attempted. */
  #attempted: readonly AttemptedRange[];
  #unstored: UnstoredCheckpoint | undefined;
  #closing = false;
  #ending: LeaseEnding | undefined;
  readonly #writes = new CallLimit(1);
  #release: Promise<void> | undefined;

  constructor(deps: HeldLeaseParts, acquired: AcquiredLease) {
    const { clock, random, options } = deps;
    const { lease, acquiredAt } = acquired;
    this.#deps = deps;
    this.lease = lease;
    this.mayBeCrashLoop = isCrashLoop(acquired);
    this.leaseKey = lease.leaseKey;
    this.fencingToken = lease.leaseCounter;
    this.#counter = lease.leaseCounter;
    this.#checkpoint = lease.checkpoint;
    this.#attempted = lease.attempted;
    this.#confirmedAt = acquiredAt;
    this.#renewAtMs = acquiredAt.monotonicMs + options.renewIntervalMs * (1 - random.next() * RENEWAL_SPREAD);
    this.#renewAlarm = new Alarm(clock);
    this.#watchAlarm = new Alarm(clock);
  }

  /** Released, handed over, lost or abandoned: nothing is written any more. */
  get closed(): boolean {
    return this.#ending !== undefined;
  }

  get ending(): LeaseEnding | undefined {
    return this.#ending;
  }

  /** Who has asked for the lease. */
  get receiver(): string | undefined {
    return this.#receiver;
  }

  /** Still held, and not about to be given up. */
  get active(): boolean {
    return !this.closed && !this.#closing && !this.#expiring.aborted;
  }

  /** Whether a batch may be started now. Ask in the same synchronous turn in which it is: timers may be late. */
  mayDeliver(): boolean {
    const { clock, options } = this.#deps;
    if (!this.active || clock.now() >= this.#deadlineMs() - options.abortMarginMs) return false;
    const { monotonicMs, wallMs } = this.#confirmedAt;
    const driftMs = clock.wallTime() - wallMs - (clock.now() - monotonicMs);
    if (Math.abs(driftMs) <= options.driftMarginMs) return true;
    // A suspended machine: its monotonic clock may have stood still while the others' went on. Only a write can tell.
    this.#renewNow();
    return false;
  }

  /** From now on renewals store what is acknowledged by then. */
  carry(unstored: UnstoredCheckpoint): void {
    this.#unstored = unstored;
  }

  /** Stores how far the shard has been read, and says whether as much as was `asked` for is. Retried; never rejects. */
  checkpoint(checkpoint: Checkpoint, asked = checkpoint): Promise<CheckpointOutcome> {
    return this.#writes.run(async () => {
      // A renewal that was sent while this waited has carried as much, or more.
      if (this.#isStored(checkpoint)) return { kind: 'stored' };
      const outcome = await this.#writeCheckpoint(checkpoint);
      if (outcome.kind === 'applied') return { kind: 'stored' };
      if (outcome.kind === 'failed') return outcome;
      this.#end('lost', 'its checkpoint was refused');
      const sent = { checkpoint, asked, inDoubt: this.#unanswered.mayHaveStored(asked) };
      // A renewal that was answered while this waited may have carried what was asked for.
      const stored = this.#isStored(asked) ? 'yes' : storedAfterLoss(outcome.row, sent);
      return { kind: 'lost', stored, error: outcome.error };
    });
  }

  /** Makes the row say what is about to be handed over, by a write if it must. Returns whether it says so. Never rejects. */
  attempt(attempted: readonly AttemptedRange[]): Promise<boolean> {
    return this.#writes.run(async () => {
      const isSaid = areSameAttempts(this.#attempted, attempted, this.#checkpoint);
      if (isSaid && this.#unanswered.isEmpty && !this.closed) return true;
      const outcome = await this.#write('attempt', (held, id) => this.#deps.store.attempt(held, attempted, id));
      if (outcome.kind === 'lost') this.#end('lost', 'what it was about to deliver could not be recorded');
      return outcome.kind === 'applied';
    });
  }

  /**
   * Gives the lease to the worker that asked for it, or to nobody. Only when the handler has settled; nothing is
   * delivered from this moment on, whatever becomes of it. What cannot be given back expires. Never rejects.
   */
  release(): Promise<void> {
    this.#closing = true;
    this.#release ??= this.#writes.run(() => this.#giveBack());
    return this.#release;
  }

  /** Stops renewing and never writes again: the lease expires. For a handler that does not settle. */
  abandon(): void {
    this.#end('abandoned', 'it was abandoned');
  }

  /** Takes in a row of this lease as somebody read it, maybe a stale one. */
  notice(row: Lease): void {
    const { me, clock, options, isGone } = this.#deps;
    // Below the token it speaks of an earlier life of this lease, whose requests are settled.
    if (this.closed || row.leaseCounter < this.fencingToken) return;
    if (row.leaseCounter > this.#counter && effectiveOwner(row) !== me) this.#renewNow();
    const asker = isHandoverPending(row) && row.checkpointOwner === me ? row.leaseOwner : undefined;
    if (row.leaseCounter >= this.#counter) this.#asker = asker;
    if (this.#receiver !== undefined || asker === undefined) return;
    if (isGone(asker)) {
      this.#cancelSoon();
      return;
    }
    this.#receiver = asker;
    this.#handoverDueAtMs = clock.now() + options.handoverTimeoutMs;
    this.#handoverRequested.abort(new Error('another worker asked for the lease'));
    this.#watchAlarm.ring();
  }

  /** Keeps the lease until it ends; then resolves. */
  async run(): Promise<void> {
    await Promise.all([this.#keepRenewing(), this.#watch()]);
    // The caller of the last write is still waiting for the answer.
    await this.#writes.run(async () => undefined);
  }

  async #keepRenewing(): Promise<void> {
    const { clock } = this.#deps;
    while (this.active) {
      const delayMs = this.#renewAtMs - clock.now();
      if (delayMs > 0) await this.#renewAlarm.wait(delayMs);
      else await this.#writes.run(() => this.#renew());
    }
  }

  async #watch(): Promise<void> {
    const { clock, options } = this.#deps;
    while (!this.closed) {
      const nowMs = clock.now();
      const deadlineMs = this.#deadlineMs();
      const windDownAtMs = Math.min(deadlineMs - options.abortMarginMs, this.#handoverDueAtMs);
      if (nowMs >= deadlineMs) this.#end('lost', 'its deadline has passed');
      else if (this.#expiring.aborted) await this.#watchAlarm.wait(deadlineMs - nowMs);
      else if (nowMs < windDownAtMs) await this.#watchAlarm.wait(windDownAtMs - nowMs);
      else
        this.#windDown(nowMs >= this.#handoverDueAtMs ? 'its hand-over took too long' : 'it was not renewed in time');
    }
  }

  async #renew(): Promise<void> {
    const { clock, options } = this.#deps;
    // A checkpoint that was waiting before this may have renewed the lease.
    if (!this.active || this.#renewAtMs > clock.now()) return;
    const outcome = await this.#writeRenewal();
    if (outcome.kind === 'lost') this.#end('lost', 'its renewal was refused');
    if (outcome.kind === 'failed') {
      this.#renewNotBeforeMs = clock.now() + options.failoverTimeMs * RENEW_AGAIN_AFTER;
      this.#renewAtMs = this.#renewNotBeforeMs;
    }
  }

  async #writeRenewal(): Promise<WriteOutcome> {
    // Who gives the lease back need not renew it, and the release waits for this write to be over.
    const isWanted = (): boolean => !this.#closing;
    const checkpoint = this.#unstored?.unstored();
    if (checkpoint === undefined || this.#isStored(checkpoint)) {
      return this.#write('renew', (held, id) => this.#deps.store.renew(held, id), { isWanted });
    }
    const outcome = await this.#writeCheckpoint(checkpoint, isWanted);
    if (outcome.kind === 'applied') this.#unstored?.stored(checkpoint);
    return outcome;
  }

  /** Never back: a write whose answer was lost may turn out to have stored more, and then this is a renewal. */
  #writeCheckpoint(checkpoint: Checkpoint, isWanted?: () => boolean): Promise<WriteOutcome> {
    const { store } = this.#deps;
    const send = (held: HeldLeaseRef, id: string): Promise<WriteResult> =>
      this.#isStored(checkpoint)
        ? store.renew(held, id)
        : store.checkpoint(held, checkpoint, id, { passesAttempted: passesAll(this.#attempted, checkpoint) });
    return this.#write('checkpoint', send, { carried: checkpoint, isWanted });
  }

  /** The worker that asked is gone: its request must not keep others from asking. */
  #cancelSoon(): void {
    if (this.#isCancelling || !this.active) return;
    this.#isCancelling = true;
    void this.#writes.run(async () => {
      if (this.active && this.#asker !== undefined) await this.#cancel(this.#asker);
      this.#isCancelling = false;
    });
  }

  /** Returns whether the lease is still held. */
  async #cancel(receiver: string): Promise<boolean> {
    const { store, logger } = this.#deps;
    // Asked anew for each attempt: the request may have vanished, and then this is a renewal.
    const send = (held: HeldLeaseRef, writeId: string): Promise<WriteResult> =>
      this.#asker === undefined ? store.renew(held, writeId) : store.cancelHandover(held, writeId);
    const outcome = await this.#write('cancel-handover', send);
    if (outcome.kind === 'lost') this.#end('lost', 'it could not be kept from a worker that is gone');
    if (outcome.kind !== 'applied') return outcome.kind === 'failed';
    logger.info({ leaseKey: this.leaseKey, receiver }, 'hand-over cancelled, its receiver is gone');
    return true;
  }

  async #giveBack(): Promise<void> {
    const { store, logger, isGone, successorOf } = this.#deps;
    if (this.#asker !== undefined && isGone(this.#asker) && !(await this.#cancel(this.#asker))) return;
    // One that was asked for goes to whoever asked; a shard that is finished needs nobody.
    const isPromised = this.#asker !== undefined || this.#checkpoint.kind === 'shard-end';
    const successor = isPromised ? undefined : await successorOf(this.leaseKey);
    // Asked anew for each attempt: a request that came in meanwhile turns the release into a completion.
    const send = (held: HeldLeaseRef, writeId: string): Promise<WriteResult> =>
      this.#asker === undefined ? store.release(held, writeId, successor) : store.completeHandover(held, writeId);
    const outcome = await this.#write('release', send, { givesBack: true });
    if (outcome.kind === 'applied') {
      this.#receiver = outcome.lease.leaseOwner;
      this.#end(this.#receiver === undefined ? 'released' : 'handed-over', 'it was given back');
    } else if (outcome.kind === 'failed') {
      logger.warn({ leaseKey: this.leaseKey, err: outcome.error }, 'lease not released, left to expire');
      this.abandon();
    } else {
      const wentOn = outcome.ambiguous && outcome.row !== undefined;
      this.#end(wentOn ? 'released' : 'lost', 'its release was refused');
    }
  }

  async #write(
    operation: string,
    send: (held: HeldLeaseRef, writeId: string) => Promise<WriteResult>,
    { givesBack = false, carried, isWanted }: HeldWriteOptions = {},
  ): Promise<WriteOutcome> {
    const { me, nextWriteId, clock, options } = this.#deps;
    const writeId = nextWriteId();
    let startedAt: Moment | undefined;
    for (;;) {
      const outcome = await sendUntilAnswered(this.#deps, {
        operation,
        leaseKey: this.leaseKey,
        leaseUntilMs: this.#deadlineMs(),
        isWanted,
        sendUntilMs: () => (this.closed ? -Infinity : this.#deadlineMs()),
        send: () => send({ leaseKey: this.leaseKey, counter: this.#counter, owner: me }, writeId),
      });
      if (outcome.ambiguous) this.#unanswered.add(writeId, carried);
      const ambiguous = this.#unanswered.has(writeId);
      if (outcome.kind === 'failed') return { kind: 'failed', error: outcome.error };
      if (outcome.kind === 'out-of-time') {
        this.#end('lost', 'its deadline has passed');
        return { kind: 'lost', row: undefined, ambiguous, error: outcome.error };
      }
      startedAt ??= outcome.startedAt;
      if (outcome.result.kind === 'applied') return this.#confirm(outcome.result.lease, startedAt);

      const refused = { writeId, me, counter: this.#counter, unanswered: this.#unanswered, givesBack };
      const verdict = judgeRefusal(outcome.result.lease, refused);
      if (verdict.kind === 'lost') return { kind: 'lost', row: verdict.row, ambiguous };
      if (verdict.kind === 'through') return this.#confirm(verdict.row, startedAt);
      if (verdict.kind === 'unchanged') await clock.sleep(options.failoverTimeMs * LOOK_AGAIN_AFTER);
      // The deadline stays: nobody knows when the earlier write was seen.
      this.#counter = verdict.row.leaseCounter;
      this.#checkpoint = verdict.row.checkpoint;
      this.#attempted = verdict.row.attempted;
      this.notice(verdict.row);
    }
  }

  #confirm(row: Lease, startedAt: Moment): WriteOutcome {
    this.#counter = row.leaseCounter;
    this.#checkpoint = row.checkpoint;
    this.#attempted = row.attempted;
    this.#unanswered.clear();
    this.notice(row);
    if (!this.#expiring.aborted) {
      this.#confirmedAt = startedAt;
      const { random, options } = this.#deps;
      const isHeldUp = startedAt.monotonicMs > this.#renewAtMs + options.renewIntervalMs * HELD_UP_AFTER;
      const spread = isHeldUp ? random.next() * RENEWAL_SPREAD : 0;
      this.#renewAtMs = startedAt.monotonicMs + options.renewIntervalMs * (1 - spread);
    }
    return { kind: 'applied', lease: row };
  }

  #isStored(checkpoint: Checkpoint): boolean {
    return compareCheckpoints(checkpoint, this.#checkpoint) <= 0;
  }

  #deadlineMs(): number {
    return this.#confirmedAt.monotonicMs + this.#deps.options.failoverTimeMs;
  }

  #renewNow(): void {
    this.#renewAtMs = Math.max(this.#deps.clock.now(), this.#renewNotBeforeMs);
    this.#renewAlarm.ring();
  }

  #windDown(why: string): void {
    const { logger } = this.#deps;
    logger.warn({ leaseKey: this.leaseKey, fencingToken: this.fencingToken, why }, 'lease winds down');
    this.#expiring.abort(new LeaseLostError(this.leaseKey, 'no', { cause: new Error(why) }));
    this.#renewAlarm.ring();
  }

  #end(ending: LeaseEnding, why: string): void {
    if (this.closed) return;
    this.#ending = ending;
    if (ending === 'lost' || ending === 'abandoned') {
      this.#deps.logger.warn({ leaseKey: this.leaseKey, fencingToken: this.fencingToken, ending, why }, 'lease lost');
      const reason = new LeaseLostError(this.leaseKey, 'no', { cause: new Error(why) });
      this.#lost.abort(reason);
      this.#expiring.abort(reason);
    }
    this.#renewAlarm.ring();
    this.#watchAlarm.ring();
  }
}
