import type { Chance } from './chance';
import type { FaultKind } from './fault-kinds';
import type { FleetSettings } from './fleet-settings';
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

/**
 * A worker of a Java KCL 2 in the same table, of which only its writes are played: it takes a lease from whoever holds it, going
 * by the counter alone, and leaves the marks of our hand-over where they are, which it does not know. Then it renews for a
 * while and is heard of no more; or, of one that was asked for, it gives it up at once.
 *
 * That it does so at once only where half of a hand-over is left has a reason: without that nobody can tell such a row from
 * one that its owner has given up, and whoever was robbed may be reading still. A KCL keeps its leases for longer.
 */
export class KclThief {
  readonly #parts: KclThiefParts;
  #waitsFor: readonly Moment[] = [];

  constructor(parts: KclThiefParts) {
    this.#parts = parts;
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
    const { settings, time, chance } = this.#parts;
    const leftMs = settings.chaosEndsAtMs - time.nowMs - 2.5 * Math.max(...settings.failoverTimesMs);
    if (moment === undefined || leaseKey === undefined || leftMs < 0) return undefined;
    if (!this.#waitsFor.includes(moment) || this.#isFinished(leaseKey)) return undefined;
    this.#waitsFor = this.#waitsFor.filter((each) => each !== moment);
    this.#steal(leaseKey, moment === 'request' && chance.happens(0.5));
    return moment === 'checkpoint' && this.#parts.leases.holder(leaseKey) === machine ? connectionReset() : undefined;
  }

  #isFinished(leaseKey: string): boolean {
    return this.#parts.leases.rows.get(leaseKey)?.checkpoint.kind === 'shard-end';
  }

  #steal(leaseKey: string, leavesSoon: boolean): void {
    const { time, chance, settings, onHappening } = this.#parts;
    onHappening('kcl-steals', `${leaseKey}${leavesSoon ? ', for a moment' : ''}`);
    this.#write(leaseKey, 'SET leaseOwner = :kcl ADD leaseCounter :one, ownerSwitchesSinceCheckpoint :one', {
      ':kcl': { S: workerId },
    });
    if (leavesSoon) {
      time.later(chance.between(1, 500), () => this.#writeIfMine(leaseKey, 'ADD leaseCounter :one REMOVE leaseOwner'));
      return;
    }
    const failoverMs = Math.max(...settings.failoverTimesMs);
    for (let left = chance.wholeBetween(1, 5), delayMs = failoverMs / 3; left > 0; left--, delayMs += failoverMs / 3) {
      time.later(delayMs, () => this.#writeIfMine(leaseKey, 'ADD leaseCounter :one'));
    }
  }

  /** Going by the counter it would notice the next owner, and nothing else. */
  #writeIfMine(leaseKey: string, update: string): void {
    const { leases, time, settings } = this.#parts;
    if (leases.rows.get(leaseKey)?.leaseOwner !== workerId || time.nowMs >= settings.chaosEndsAtMs) return;
    this.#write(leaseKey, update, {});
  }

  #write(leaseKey: string, update: string, values: NonNullable<TableCall['ExpressionAttributeValues']>): void {
    const { aws, tableName, leases } = this.#parts;
    const input: TableCall = {
      TableName: tableName,
      Key: { leaseKey: { S: leaseKey } },
      UpdateExpression: update,
      ExpressionAttributeValues: { ...values, ':one': { N: '1' } },
    };
    aws.perform({ service: 'dynamodb', operation: 'UpdateItem', input: { ...input } });
    leases.writtenByOthers(leaseKey);
  }
}
