import type { Checkpoint, RecordPosition, UserRecord } from '@millrace/core';
import { shortly } from './lease-row';
import type { LeaseWatch } from './lease-watch';
import type { Machine } from './machine';
import type { ShardLog, StreamLog } from './stream-log';
import type { Trace } from './trace';
import type { VirtualTime } from './virtual-time';
import type { Violate } from './violation';

/** What one processor was given, and what it said. Indexes count the records of its shard. */
export interface Session {
  readonly machine: Machine;
  readonly shard: ShardLog;
  readonly token: number;
  /** How many were acknowledged before it. */
  readonly begun: number;
  /** The first record that it has not been given. */
  next: number;
  /** Where its last batch began. */
  batchStart: number;
  /** The last call of `processRecords` did not resolve. */
  hasFailed: boolean;
  /** How many records it has acknowledged, or were before it. */
  acknowledged: number;
  /** How many it had been given when a call last resolved. */
  resolved: number;
}

export interface DeliveryWatchParts {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly violate: Violate;
  readonly log: StreamLog;
  readonly leases: LeaseWatch;
  /** Nothing may be delivered twice. */
  readonly isCalm: boolean;
}

/** Sees what the user's code is given and what it acknowledges. Checks G2, G4 and G5 on the spot. */
export class DeliveryWatch {
  duplicates = 0;
  readonly #parts: DeliveryWatchParts;

  constructor(parts: DeliveryWatchParts) {
    this.#parts = parts;
  }

  begin(machine: Machine, shardId: string, token: number, checkpoint: Checkpoint): Session | undefined {
    const { log, trace, time, violate, leases } = this.#parts;
    leases.checkCall(machine, shardId, token, 'initialize');
    const shard = log.shard(shardId);
    const covered = shard === undefined ? undefined : log.coveredBy(shard, checkpoint);
    trace.add(time.nowMs, shardId, `${machine.name} begins ${covered ?? ''}`, () => {
      return `${machine.name} begins behind ${covered ?? '?'} records, token ${token}`;
    });
    if (shard === undefined || covered === undefined) {
      violate('G2', `${machine.name} begins at a place that the shard does not have`, shardId);
      return undefined;
    }
    if (covered > shard.acknowledged) {
      violate('G7', `${machine.name} begins behind records that were not acknowledged`, shardId);
    }
    return {
      ...{ machine, shard, token, hasFailed: false, begun: covered },
      ...{ next: covered, batchStart: covered, acknowledged: covered, resolved: covered },
    };
  }

  delivered(session: Session, records: readonly UserRecord[]): void {
    const { trace, time, violate, leases, isCalm } = this.#parts;
    const { machine, shard, token } = session;
    const { shardId } = shard;
    const first = shard.indexOf.get(records[0]?.sequenceNumber ?? '');
    trace.add(time.nowMs, shardId, `${machine.name} gets ${first ?? '?'} ${records.length}`, () => {
      const from = shortly(records[0]?.sequenceNumber ?? '');
      return `${machine.name} gets ${records.length} records from ${from} (index ${first ?? '?'}), token ${token}`;
    });
    leases.checkCall(machine, shardId, token, 'a batch');
    const unfinished = shard.parentShardIds.find((parent) => this.#isBefore(parent));
    if (unfinished !== undefined) violate('G2', `records came before parent ${unfinished} was finished`, shardId);
    if (shard.isOvertaken) violate('G2', 'records came after those of a child', shardId);
    this.#overtake(shard);
    if (
      first === undefined ||
      records.some(({ sequenceNumber }, at) => shard.indexOf.get(sequenceNumber) !== first + at)
    ) {
      violate('G2', 'a batch is not a piece of the shard', shardId);
      return;
    }
    const retryFrom = Math.max(session.acknowledged, session.batchStart);
    const isRetry = session.hasFailed && first === retryFrom;
    const isBehindTheGap = session.next < first && first <= shard.agedOut;
    if (first !== session.next && !isRetry && !isBehindTheGap) {
      violate('G2', `${machine.name} gets record ${first} when ${session.next} was due`, shardId);
    }
    if (first < shard.delivered && !isRetry) {
      this.duplicates += Math.min(shard.delivered, first + records.length) - first;
      if (isCalm) violate('G5', `record ${first} comes a second time`, shardId);
    }
    session.batchStart = first;
    session.next = Math.max(session.next, first + records.length);
    session.hasFailed = true;
    this.#markDelivered(shard, first, records.length);
  }

  shardEnds({ machine, shard, token }: Session): void {
    const { leases, isCalm, violate } = this.#parts;
    leases.checkCall(machine, shard.shardId, token, 'shardEnded');
    if (isCalm && shard.hasEnded) violate('G5', `${machine.name} is told a second time that it ends`, shard.shardId);
  }

  /** The user's code is done with the shard, and that is to be stored. */
  shardEnded({ shard }: Session): void {
    shard.hasEnded = true;
  }

  resolved(session: Session): void {
    session.hasFailed = false;
    session.resolved = session.next;
  }

  /** The user's code says so, up to and including a record; without one, all that calls that resolved were given. */
  acknowledge(session: Session, upTo?: RecordPosition): void {
    const { trace, time } = this.#parts;
    const { shard, machine } = session;
    const index = upTo === undefined ? session.resolved - 1 : shard.indexOf.get(upTo.sequenceNumber);
    if (index === undefined || index < session.acknowledged) return;
    trace.add(time.nowMs, shard.shardId, `${machine.name} acknowledges ${index}`, () => {
      return `${machine.name} acknowledges up to index ${index}`;
    });
    session.acknowledged = index + 1;
    shard.acknowledged = Math.max(shard.acknowledged, index + 1);
  }

  /** How a checkpoint of all that was acknowledged came out. `denied`: it is proven not to be stored. */
  checkpointed(session: Session, records: number, outcome: 'stored' | 'denied'): void {
    const { leases } = this.#parts;
    const { shardId } = session.shard;
    if (outcome === 'stored') leases.checkStored(shardId, records);
    // What was acknowledged before is stored already.
    else if (records > session.begun) leases.deny(shardId, session.token, records);
  }

  #markDelivered(shard: ShardLog, first: number, count: number): void {
    const { log, violate } = this.#parts;
    if (first > shard.delivered) {
      violate('G2', `records from ${shard.delivered} to ${first - 1} were left out`, shard.shardId);
    }
    for (let index = Math.max(first, shard.delivered); index < first + count; index++) {
      const record = shard.records[index];
      const wrong = record === undefined ? undefined : log.firstDelivery(record);
      if (wrong !== undefined) violate('G2', wrong, shard.shardId);
    }
    shard.delivered = Math.max(shard.delivered, first + count);
  }

  /** What is read now comes after all that was read of the parents: of one that has left the stream there is no more. */
  #overtake({ parentShardIds }: ShardLog): void {
    for (const parentShardId of parentShardIds) {
      const parent = this.#parts.log.shard(parentShardId);
      if (parent?.hasLeft === true) parent.isOvertaken = true;
    }
  }

  /** A parent that the application reads, and has not read to its end. One that has left the stream must be silent from then on. */
  #isBefore(parentShardId: string): boolean {
    const { log, leases } = this.#parts;
    const parent = log.shard(parentShardId);
    return parent !== undefined && !parent.hasLeft && !leases.isFinished(parentShardId);
  }
}
