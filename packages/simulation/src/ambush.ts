import type { FaultKind } from './fault-kinds';
import type { FleetSettings } from './fleet-settings';
import type { Fleet } from './fleet';
import { FullFleet } from './full-fleet';
import { isFinished, type LeaseRow } from './lease-row';
import type { LeaseWatch } from './lease-watch';
import type { Machine } from './machine';
import type { ManualHarm } from './manual-harm';
import type { Producer } from './producer';
import { RowDeletedTwice } from './row-deleted-twice';
import { isWrite, type ServiceCall } from './service-call';
import type { SimulatedAws } from './simulated-aws';
import type { StreamLog } from './stream-log';
import type { VirtualTime } from './virtual-time';
import { rowKeyOf } from './table-call';
import { writeKindOf } from './write-kinds';

/**
 * Troubles that meet by chance hardly ever. Those at audits, which come every 10 s then:
 *
 * - `waiting-child`: the row of a merged shard is deleted when one of its parents was read to its end, and the other is not
 *   read any further for a while.
 * - `held-row`: a row is deleted while shards are listed, and its holder, which has just written and waits longer than others,
 *   is cut off.
 * - `left-shard`: nobody has room for the children of a shard until it leaves the stream. It does so right after it was listed, and
 *   that answer is held up for as long as it takes another to delete the row.
 */
export const auditAmbushKinds = ['waiting-child', 'held-row', 'left-shard'] as const;

/**
 * Those while leases are shared:
 *
 * - `full-fleet`: there are more leases than the workers may have, so that each place is wanted by several (`full-fleet.ts`).
 * - `deaf-owner`: a worker of a KCL has most of the leases, goes on renewing, and answers nobody who asks for one (`kcl-thief.ts`).
 */
const sharingAmbushKinds = ['full-fleet', 'deaf-owner'] as const;

/** The last one deletes the same row again (`row-deleted-twice.ts`). */
export const ambushKinds = [...auditAmbushKinds, ...sharingAmbushKinds, 'row-deleted-twice'] as const;
export type AmbushKind = (typeof ambushKinds)[number];

export interface AmbushParts {
  readonly time: VirtualTime;
  readonly settings: FleetSettings;
  readonly fleet: Fleet;
  readonly manual: ManualHarm;
  readonly producer: Producer;
  readonly leases: LeaseWatch;
  readonly log: StreamLog;
  readonly aws: SimulatedAws;
  readonly streamName: string;
  readonly onHappening: (kind: FaultKind, what: string) => void;
}

/** An audit, an expiry, and whoever takes the lease has read something by then. */
const parentHeldUpMs = 45_000;
/** Of its failover time: who has written so lately is inside its deadline for longer than others wait. */
const freshWithin = 0.1;
/** When a shard is split whose children nobody puts anything into. */
const quietFromMs = 60_000;
const quietForMs = 85_000;
/** Whatever ages out, it is older. */
const oldEnoughMs = 41_000;
/** As long as an answer may take. */
const heldUpMs = 4_500;

/** Lies in wait for a moment. Those at audits strike once. */
export class Ambush {
  readonly #parts: AmbushParts;
  readonly #fullFleet: FullFleet;
  readonly #deletedTwice: RowDeletedTwice;
  #isOver = false;

  constructor(parts: AmbushParts) {
    this.#parts = parts;
    this.#fullFleet = new FullFleet(parts);
    this.#deletedTwice = new RowDeletedTwice(parts);
  }

  begin(): void {
    const { settings, time, producer } = this.#parts;
    if (settings.ambush !== 'left-shard') return;
    time.at(quietFromMs, () => {
      if (producer.split(Infinity) !== undefined) this.#parts.onHappening('split', 'and silence follows');
      producer.isQuiet = true;
    });
    time.at(quietFromMs + quietForMs, () => (producer.isQuiet = false));
  }

  end(): void {
    this.#isOver = true;
    this.#parts.producer.isQuiet = false;
  }

  /** A call has taken effect just now. Returns for how long its answer is held up. */
  performed(machine: Machine, call: ServiceCall): number {
    const { ambush } = this.#parts.settings;
    if (this.#isOver || ambush === undefined) return 0;
    if (ambush === 'row-deleted-twice') this.#deletedTwice.performed(machine, call);
    if (ambush === 'full-fleet') return this.#fullFleet.performed(machine, call);
    const isListing = call.operation === 'ListShards';
    if (ambush === 'waiting-child' && isWrite(call) && writeKindOf(call) === 'checkpoints') {
      this.#deleteWaitingChild(rowKeyOf(call.input));
    } else if (ambush === 'held-row' && isListing) this.#deleteHeldRow(machine);
    else if (ambush === 'left-shard' && isListing && this.#ageOutFinishedShard(machine)) return heldUpMs;
    return 0;
  }

  #deleteWaitingChild(parentId: string | undefined): void {
    const { leases, time, manual, onHappening } = this.#parts;
    const rows = [...leases.rows.values()];
    for (const child of rows) {
      const parents = rows.filter(({ leaseKey }) => child.parentShardIds.includes(leaseKey));
      const other = parents.find((row) => !isFinished(row));
      const isEnded = parents.some((row) => row.leaseKey === parentId && isFinished(row));
      const holder = other && leases.holder(other.leaseKey);
      if (!isEnded || holder === undefined || hasBegun(child)) continue;
      if (manual.deleteRow(child.leaseKey) === undefined) return;
      holder.cutOffUntilMs.kinesis = time.nowMs + parentHeldUpMs;
      this.#strike();
      onHappening(
        'row-deleted',
        `${child.leaseKey}, and ${holder.name} cannot read its parent ${other?.leaseKey ?? ''}`,
      );
      return;
    }
  }

  #deleteHeldRow(auditor: Machine): void {
    const { leases, time, manual, fleet, onHappening } = this.#parts;
    const waitsMs = (machine: Machine): number => fleet.workerOn(machine).failoverTimeMs;
    for (const row of leases.rows.values()) {
      const { leaseKey } = row;
      const holder = leases.holder(leaseKey);
      // Of one that is finished nothing may be left that shows it.
      if (isFinished(row)) continue;
      if (holder === undefined || holder.isDown || waitsMs(holder) <= waitsMs(auditor)) continue;
      const limitMs = freshWithin * waitsMs(holder);
      if (leases.writtenAgoMs(leaseKey) > limitMs || manual.deleteRow(leaseKey) === undefined) continue;
      holder.cutOffUntilMs.dynamodb = time.nowMs + 1.3 * waitsMs(holder);
      this.#strike();
      onHappening('row-deleted', `${leaseKey}, and ${holder.name} does not hear of it`);
      return;
    }
  }

  #ageOutFinishedShard(auditor: Machine): boolean {
    const { log, time, leases, manual, fleet, aws, streamName, onHappening } = this.#parts;
    const [rows, others] = [[...leases.rows.values()], fleet.live().filter(({ machine }) => machine !== auditor)];
    const listed = (): readonly string[] => aws.kinesis.inspect(streamName).map(({ shardId }) => shardId);
    const shard = log.shards().find(({ shardId, closedAtMs }) => {
      const row = leases.rows.get(shardId);
      const isOld = closedAtMs >= quietFromMs && time.nowMs - closedAtMs >= oldEnoughMs && listed().includes(shardId);
      const children = rows.filter(({ parentShardIds }) => parentShardIds.includes(shardId));
      return isOld && row !== undefined && isFinished(row) && !children.some(hasBegun);
    });
    if (shard === undefined || others.length === 0) return false;
    if (manual.ageOut() === undefined || listed().includes(shard.shardId)) return false;
    this.#strike();
    onHappening('age-out', `${shard.shardId} is gone, and ${auditor.name} has just listed it`);
    return true;
  }

  #strike(): void {
    this.end();
  }
}

function hasBegun({ checkpoint: { kind }, wasAcquired }: LeaseRow): boolean {
  return wasAcquired || kind === 'sequence-number' || kind === 'shard-end';
}
