import type { Checkpoint, RecordPosition, UserRecord } from '@millrace/core';
import type { CrashWatch } from './crash-watch';
import type { FleetSettings } from './fleet-settings';
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
  /** The record that must come next, unless more was acknowledged: behind what is done with, or where a call has failed. */
  due: number;
  /** How many it has been given. */
  given: number;
  /** Where its last call ended. */
  end: number;
  /** How many records it has acknowledged, or were before it. */
  acknowledged: number;
  /** How many it is done with: calls that resolved had them, or failed at a later one that they named. */
  resolved: number;
  /** How often each record has failed by itself: as the only one of a call, or named. */
  readonly failedAlone: Map<number, number>;
}

/** How a call with records fails. */
export interface CallFailure {
  /** The index of the record that it names. */
  readonly named: number | undefined;
  /** It was told to stop. */
  readonly wasTold: boolean;
  /** Because it could not store what it acknowledges. */
  readonly atCheckpoint: boolean;
}

/** Why a record is let go, and how often it must have failed by itself if that is the reason. */
export interface LetGoCause {
  readonly reason: string;
  readonly attempts: number;
}

export interface DeliveryWatchParts {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly violate: Violate;
  readonly log: StreamLog;
  readonly leases: LeaseWatch;
  readonly crashes: CrashWatch;
  readonly settings: Pick<FleetSettings, 'isCalm' | 'weather'>;
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
      ...{ machine, shard, token, begun: covered, failedAlone: new Map<number, number>() },
      ...{ due: covered, given: covered, end: covered, acknowledged: covered, resolved: covered },
    };
  }

  delivered(session: Session, records: readonly UserRecord[]): void {
    const { trace, time, violate, leases, settings } = this.#parts;
    const { machine, shard, token } = session;
    const { shardId } = shard;
    const first = shard.indexOf.get(records[0]?.sequenceNumber ?? '');
    trace.add(time.nowMs, shardId, `${machine.name} gets ${first ?? '?'} ${records.length}`, () => {
      const from = shortly(records[0]?.sequenceNumber ?? '');
      return `${machine.name} gets ${records.length} records from ${from} (index ${first ?? '?'}), token ${token}`;
    });
    leases.checkCall(machine, shardId, token, 'a batch');
    if (first !== undefined) this.#parts.crashes.delivered(shard, token, first, records.length);
    this.checkPlace(shard);
    if (
      first === undefined ||
      records.some(({ sequenceNumber }, at) => shard.indexOf.get(sequenceNumber) !== first + at)
    ) {
      violate('G2', 'a batch is not a piece of the shard', shardId);
      return;
    }
    const due = Math.max(session.due, session.acknowledged);
    const isBehindTheGap = due < first && first <= shard.agedOut;
    if (first !== due && !isBehindTheGap) {
      violate('G2', `${machine.name} gets record ${first} when ${due} was due`, shardId);
    }
    const end = first + records.length;
    const repeatedTo = Math.min(shard.delivered, end);
    const repeatedFrom = Math.max(first, session.given);
    if (repeatedTo > repeatedFrom) {
      this.duplicates += repeatedTo - repeatedFrom;
      const { from, to } = shard.givenInVain;
      if (settings.isCalm && (repeatedFrom < from || repeatedTo > to))
        violate('G5', `record ${first} comes a second time`, shardId);
    }
    session.due = first;
    session.end = end;
    session.given = Math.max(session.given, end);
    this.#markDelivered(shard, first, records.length);
  }

  /** Records of the shard come now: after all of its parents, and before any of its children. */
  checkPlace(shard: ShardLog): void {
    const { violate } = this.#parts;
    const { shardId } = shard;
    const unfinished = shard.parentShardIds.find((parent) => this.#isBefore(parent));
    if (unfinished !== undefined) violate('G2', `records came before parent ${unfinished} was finished`, shardId);
    if (shard.isOvertaken) violate('G2', 'records came after those of a child', shardId);
    this.#overtake(shard);
  }

  shardEnds({ machine, shard, token }: Session): void {
    const { leases, settings, violate } = this.#parts;
    leases.checkCall(machine, shard.shardId, token, 'shardEnded');
    if (settings.isCalm && shard.hasEnded)
      violate('G5', `${machine.name} is told a second time that it ends`, shard.shardId);
  }

  /** The user's code is done with the shard, and that is to be stored. */
  shardEnded({ shard }: Session): void {
    shard.hasEnded = true;
  }

  resolved(session: Session): void {
    session.due = session.end;
    session.resolved = session.end;
    const { givenInVain } = session.shard;
    givenInVain.from = Math.max(givenInVain.from, session.end);
    this.#handled(session);
  }

  /** A call fails, at the record with this index if it names one. Who was told to stop has not failed at a record. */
  fails(session: Session, { named, wasTold, atCheckpoint }: CallFailure): void {
    const { failedAlone, due, end, shard } = session;
    if (atCheckpoint) {
      const { from, to } = shard.givenInVain;
      shard.givenInVain.from = from < to ? Math.min(from, due) : due;
      shard.givenInVain.to = from < to ? Math.max(to, end) : end;
    }
    const failed = named ?? (end - due === 1 ? due : undefined);
    if (failed !== undefined && !wasTold) failedAlone.set(failed, (failedAlone.get(failed) ?? 0) + 1);
    if (named === undefined) return;
    session.due = named;
    // Who names the first record of a call says nothing of those before it: they may have been let go.
    if (named > due) session.resolved = Math.max(session.resolved, named);
    this.#handled(session);
  }

  /** The sink is called with a dead letter. */
  deadLetter(session: Session, record: RecordPosition, cause: LetGoCause): void {
    const { machine, shard, token } = session;
    this.#parts.leases.checkCall(machine, shard.shardId, token, 'a dead letter');
    this.#checkLetGo(session, record, cause);
  }

  /** The record counts as done: it was skipped, or the sink is about to confirm that it has it. */
  letGo(session: Session, record: RecordPosition, cause: LetGoCause): void {
    const { log, trace, time } = this.#parts;
    const { shard, machine } = session;
    const index = this.#checkLetGo(session, record, cause);
    if (index === undefined) return;
    trace.add(
      time.nowMs,
      shard.shardId,
      `${machine.name} lets ${index} go`,
      () => `${machine.name} lets index ${index} go`,
    );
    // Whose holders were lost may have lost it before they gave it to anybody.
    if (cause.reason === 'crashes') this.#markDelivered(shard, index, 1);
    log.settleOne(shard, index);
    session.due = Math.max(session.due, index + 1);
    this.#handled(session);
  }

  /** Only one that has failed by itself, as often as it may, or with which as many holders were lost. */
  #checkLetGo(
    session: Session,
    { sequenceNumber }: RecordPosition,
    { reason, attempts }: LetGoCause,
  ): number | undefined {
    const { violate, crashes } = this.#parts;
    const { machine, shard, failedAlone, token } = session;
    const index = shard.indexOf.get(sequenceNumber);
    const failures = index === undefined ? 0 : (failedAlone.get(index) ?? 0);
    const isRight = reason === 'crashes' ? crashes.mayLetGo(shard, token, index ?? -1) : failures >= attempts;
    if (index !== undefined && isRight) return index;
    const which = String(index ?? sequenceNumber);
    violate(
      'G7',
      `${machine.name} lets record ${which} go (${reason}), which has failed ${failures} times by itself`,
      shard.shardId,
    );
    return undefined;
  }

  /** The user's code says so, up to and including a record; without one, all that calls that resolved were given. */
  acknowledge(session: Session, upTo?: RecordPosition): void {
    const { trace, time, log } = this.#parts;
    const { shard, machine } = session;
    const index = upTo === undefined ? session.resolved - 1 : shard.indexOf.get(upTo.sequenceNumber);
    if (index === undefined || index < session.acknowledged) return;
    trace.add(time.nowMs, shard.shardId, `${machine.name} acknowledges ${index}`, () => {
      return `${machine.name} acknowledges up to index ${index}`;
    });
    session.acknowledged = index + 1;
    this.#handled(session);
    log.acknowledge(shard, index + 1);
  }

  /** How a checkpoint of all that was acknowledged came out. `denied`: it is proven not to be stored; `failed`: it may be. */
  checkpointed(session: Session, records: number, outcome: 'stored' | 'denied' | 'failed'): void {
    const { leases, settings, violate } = this.#parts;
    const { shardId } = session.shard;
    if (outcome === 'failed') {
      if (settings.weather === 'calm') violate('G3', 'a checkpoint failed, and no write had', shardId);
    } else if (outcome === 'stored') leases.checkStored(shardId, records);
    // What was acknowledged before is stored already.
    else if (records > session.begun) leases.deny(shardId, session.token, records);
  }

  #handled({ shard, due, acknowledged }: Session): void {
    shard.handled = Math.max(shard.handled, due, acknowledged);
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
