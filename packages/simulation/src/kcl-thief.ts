import type { Chance } from './chance';
import type { FaultKind } from './fault-kinds';
import type { FleetSettings } from './fleet-settings';
import { effectiveOwnerOf } from './lease-row';
import type { LeaseWatch } from './lease-watch';
import type { Machine } from './machine';
import { connectionReset, isWrite, type ServiceCall } from './service-call';
import type { SimulatedAws } from './simulated-aws';
import { rowKeyOf, type TableCall } from './table-call';
import type { VirtualTime } from './virtual-time';
import { writeKindOf } from './write-kinds';

export interface KclThiefParts {
  readonly time: VirtualTime;
  readonly settings: FleetSettings;
  readonly chance: Chance;
  readonly aws: SimulatedAws;
  readonly leases: LeaseWatch;
  readonly tableName: string;
  readonly onHappening: (kind: FaultKind, what: string) => void;
}

/** When it strikes: a checkpoint was stored, and its writer does not know yet; or a lease has been asked for. */
type Moment = 'checkpoint' | 'request';

const workerId = 'kcl-worker';

/** A fleet has shared its leases by then. */
const strikesAtMs = 30_000;

/**
 * A worker of a Java KCL 2 in the same table, of which only its writes are played: it takes a lease from whoever holds it, going
 * by the counter alone, and leaves the marks of our hand-over where they are, which it does not know. Then it renews for a
 * while and is heard of no more; or, of one that was asked for, it gives it up at once.
 *
 * That it does so at once only where half of a hand-over is left has a reason: without that nobody can tell such a row from
 * one that its owner has given up, and whoever was robbed may be reading still. A KCL keeps its leases for longer.
 *
 * As a deaf owner it takes all leases but one and keeps them. A request leaves the counter alone, so that it does not see one.
 */
export class KclThief {
  readonly #parts: KclThiefParts;
  #waitsFor: readonly Moment[] = [];

  constructor(parts: KclThiefParts) {
    this.#parts = parts;
  }

  begin(): void {
    const { settings, time } = this.#parts;
    if (settings.ambush === 'deaf-owner') time.at(strikesAtMs, () => this.#stealMost());
  }

  /** It is about to steal a lease. */
  plan(): string {
    const moment: Moment = this.#parts.chance.happens(0.5) ? 'checkpoint' : 'request';
    this.#waitsFor = [...this.#waitsFor, moment];
    return `at a ${moment}`;
  }

  end(): void {
    this.#waitsFor = [];
  }

  /** A write has taken effect. Returns what its writer sees instead of the answer. */
  performed(machine: Machine, call: ServiceCall): Error | undefined {
    if (this.#waitsFor.length === 0 || !isWrite(call)) return undefined;
    const kind = writeKindOf(call);
    const moment = kind === 'checkpoints' ? 'checkpoint' : kind === 'asks' ? 'request' : undefined;
    const leaseKey = rowKeyOf(call.input);
    const { chance } = this.#parts;
    if (moment === undefined || leaseKey === undefined || this.#leftMs < 0) return undefined;
    if (!this.#waitsFor.includes(moment) || this.#isFinished(leaseKey)) return undefined;
    this.#waitsFor = this.#waitsFor.filter((each) => each !== moment);
    this.#steal(leaseKey, moment === 'request' && chance.happens(0.5));
    return moment === 'checkpoint' && this.#parts.leases.holder(leaseKey) === machine ? connectionReset() : undefined;
  }

  #isFinished(leaseKey: string): boolean {
    return this.#parts.leases.rows.get(leaseKey)?.checkpoint.kind === 'shard-end';
  }

  /** As soon as somebody has leases, as long as there is time for what comes of it. */
  #stealMost(): void {
    const { leases, time } = this.#parts;
    if (this.#leftMs < 0) return;
    const held = leases.readable().filter(({ leaseKey }) => leases.holder(leaseKey) !== undefined);
    for (const { leaseKey } of held.slice(1)) {
      this.#take(leaseKey, ', and keeps it');
      this.#renew(leaseKey, Infinity);
    }
    if (held.length < 2) time.later(this.#failoverMs, () => this.#stealMost());
  }

  #steal(leaseKey: string, leavesSoon: boolean): void {
    const { time, chance } = this.#parts;
    this.#take(leaseKey, leavesSoon ? ', for a moment' : '');
    if (leavesSoon) {
      time.later(chance.between(1, 500), () => this.#writeIfMine(leaseKey, 'ADD leaseCounter :one REMOVE leaseOwner'));
    } else {
      this.#renew(leaseKey, chance.wholeBetween(1, 5));
    }
  }

  #take(leaseKey: string, how: string): void {
    this.#parts.onHappening('kcl-steals', `${leaseKey}${how}`);
    this.#write(leaseKey, 'SET leaseOwner = :kcl ADD leaseCounter :one, ownerSwitchesSinceCheckpoint :one', {
      ':kcl': { S: workerId },
    });
  }

  get #failoverMs(): number {
    return Math.max(...this.#parts.settings.failoverTimesMs);
  }

  /** Until it must be over, and its leases expired. */
  get #leftMs(): number {
    const { settings, time } = this.#parts;
    return settings.chaosEndsAtMs - time.nowMs - 2.5 * this.#failoverMs;
  }

  #renew(leaseKey: string, times: number): void {
    this.#parts.time.later(this.#failoverMs / 3, () => {
      if (this.#writeIfMine(leaseKey, 'ADD leaseCounter :one') && times > 1) this.#renew(leaseKey, times - 1);
    });
  }

  /** Going by the counter it would notice the next owner, and nothing else. */
  #writeIfMine(leaseKey: string, update: string): boolean {
    const { leases, time, settings } = this.#parts;
    const row = leases.rows.get(leaseKey);
    const isMine = row !== undefined && effectiveOwnerOf(row) === workerId;
    if (!isMine || time.nowMs >= settings.chaosEndsAtMs) return false;
    this.#write(leaseKey, update, {});
    return true;
  }

  #write(leaseKey: string, update: string, values: NonNullable<TableCall['ExpressionAttributeValues']>): void {
    const { aws, tableName, leases, settings } = this.#parts;
    const input: TableCall = {
      TableName: tableName,
      Key: { leaseKey: { S: leaseKey } },
      UpdateExpression: update,
      ExpressionAttributeValues: { ...values, ':one': { N: '1' } },
    };
    aws.perform({ service: 'dynamodb', operation: 'UpdateItem', input: { ...input } });
    // It is set up as the quickest of ours are: longer it could not count on its lease.
    leases.writtenByOthers(leaseKey, Math.min(...settings.failoverTimesMs));
  }
}
