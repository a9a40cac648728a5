import type { Checkpoint, RecordPosition, UserRecord } from '@millrace/core';
import type { DeliveryWatch, DeliveryWatchParts } from './delivery-watch';
import type { Machine } from './machine';
import type { ShardLog } from './stream-log';

/** What one processor was given record by record, and what it is done with. Indexes count the records of its shard. */
export interface RecordSession {
  readonly machine: Machine;
  readonly shard: ShardLog;
  readonly token: number;
  /** How many were acknowledged before it. */
  readonly begun: number;
  readonly done: Set<number>;
  /** The record of each lane that is under way. */
  readonly inHand: Map<string, number>;
  readonly failures: Map<number, number>;
  /** Keys of which a record was let go. */
  readonly quarantined: Set<string>;
}

export interface RecordWatchParts extends DeliveryWatchParts {
  readonly deliveries: DeliveryWatch;
  /** Only records of one lane have to wait for each other. */
  readonly laneOf: (key: string) => string;
  readonly maxInFlight: number;
  readonly maxAhead: number;
  /** What comes behind a dead letter with the same key becomes one, too. */
  readonly quarantinesKeys: boolean;
}

/**
 * Sees what the user's code is given when it takes records one by one. Checks on the spot that each lane is a queue, in order and
 * one at a time (G2), besides what is checked for batches (G4, G5, G7).
 */
export class RecordWatch {
  readonly #parts: RecordWatchParts;

  constructor(parts: RecordWatchParts) {
    this.#parts = parts;
  }

  begin(machine: Machine, shardId: string, token: number, checkpoint: Checkpoint): RecordSession | undefined {
    const session = this.#parts.deliveries.begin(machine, shardId, token, checkpoint);
    if (session === undefined) return undefined;
    const { shard, begun } = session;
    return {
      ...{ machine, shard, token, begun, done: new Set(), inHand: new Map() },
      ...{ failures: new Map(), quarantined: new Set() },
    };
  }

  /** A call is made with the record. */
  delivered(session: RecordSession, record: UserRecord, attempt: number): void {
    const { violate, deliveries, leases, trace, time, settings, log, quarantinesKeys } = this.#parts;
    const { machine, shard, token, inHand, failures, done, quarantined } = session;
    const { shardId } = shard;
    const index = shard.indexOf.get(record.sequenceNumber);
    trace.add(time.nowMs, shardId, `${machine.name} gets ${index ?? '?'} #${attempt}`, () => {
      return `${machine.name} gets index ${index ?? '?'}, attempt ${attempt}, token ${token}`;
    });
    leases.checkCall(machine, shardId, token, 'a record');
    if (index !== undefined) this.#parts.crashes.delivered(shard, token, index, 1);
    deliveries.checkPlace(shard);
    const put = index === undefined ? undefined : shard.records[index];
    if (index === undefined || put === undefined) {
      violate('G2', 'a record is none of the shard', shardId);
      return;
    }
    if (attempt !== (failures.get(index) ?? 0) + 1) violate('G2', `${index} comes as attempt ${attempt}`, shardId);
    if (done.has(index)) violate('G2', `${machine.name} gets ${index} again, which is done with`, shardId);
    this.#checkTurn(session, index, put.key);
    inHand.set(this.#parts.laneOf(put.key), index);
    this.#checkLimits(session, index);
    if (quarantinesKeys && quarantined.has(put.key)) violate('G7', `${index} comes, whose key was let go`, shardId);
    if (attempt > 1) return;
    if (log.wasDelivered(shard, index)) {
      deliveries.duplicates++;
      if (settings.isCalm) violate('G5', `record ${index} comes a second time`, shardId);
      return;
    }
    const wrong = log.firstDelivery(put);
    if (wrong !== undefined) violate('G2', wrong, shardId);
    log.markDelivered(shard, index);
  }

  /** The call has failed. Who was told to stop has not failed at the record. */
  fails(session: RecordSession, record: RecordPosition): void {
    const { shard, failures, inHand } = session;
    const index = shard.indexOf.get(record.sequenceNumber) ?? -1;
    failures.set(index, (failures.get(index) ?? 0) + 1);
    inHand.delete(this.#laneAt(shard, index));
  }

  /** The call is about to resolve: the record is acknowledged. */
  resolves(session: RecordSession, record: RecordPosition): void {
    this.#settle(session, session.shard.indexOf.get(record.sequenceNumber) ?? -1, 'is done with');
  }

  /** The sink is called: `checkLetGo`, under the lease. */
  deadLetter(session: RecordSession, record: RecordPosition, reason: string, attempts: number): void {
    const { machine, shard, token } = session;
    this.#parts.leases.checkCall(machine, shard.shardId, token, 'a dead letter');
    this.#checkLetGo(session, record, reason, attempts);
  }

  /** The record counts as done: it was skipped, or the sink is about to confirm that it has it. */
  letGo(session: RecordSession, record: RecordPosition, reason: string, attempts: number): void {
    const index = this.#checkLetGo(session, record, reason, attempts);
    if (index === undefined) return;
    const { log } = this.#parts;
    const { shard, quarantined, inHand } = session;
    const { key = '' } = shard.records[index] ?? {};
    quarantined.add(key);
    inHand.delete(this.#parts.laneOf(key));
    // One of a key that is let go as a whole was never given to the processor.
    const put = shard.records[index];
    if (put !== undefined && !log.wasDelivered(shard, index)) {
      log.firstDelivery(put);
      log.markDelivered(shard, index);
    }
    this.#settle(session, index, 'lets go');
  }

  shardEnds(session: RecordSession): void {
    const { machine, shard, token, inHand } = session;
    const { leases, violate, settings } = this.#parts;
    if (settings.isCalm && shard.hasEnded)
      violate('G5', `${machine.name} is told a second time that it ends`, shard.shardId);
    leases.checkCall(machine, shard.shardId, token, 'shardEnded');
    if (inHand.size > 0) violate('G2', `the end of the shard comes while calls are under way`, shard.shardId);
    const open = shard.records.findIndex(
      (_, index) => index >= Math.max(session.begun, shard.agedOut) && !session.done.has(index),
    );
    if (open >= 0) violate('G2', `the end of the shard comes before record ${open} is done with`, shard.shardId);
  }

  #settle(session: RecordSession, index: number, how: string): void {
    const { trace, time, log } = this.#parts;
    const { machine, shard, done, inHand } = session;
    trace.add(
      time.nowMs,
      shard.shardId,
      `${machine.name} ${how} ${index}`,
      () => `${machine.name} ${how} index ${index}`,
    );
    done.add(index);
    inHand.delete(this.#laneAt(shard, index));
    log.settleOne(shard, index);
    shard.handled = Math.max(shard.handled, shard.acknowledged);
  }

  /** Nothing of its lane is under way, and all of it that lies before it is done with; of what has aged out nobody is asked. */
  #checkTurn({ machine, shard, inHand, begun, done }: RecordSession, index: number, key: string): void {
    const { violate, laneOf } = this.#parts;
    const lane = laneOf(key);
    const other = inHand.get(lane);
    if (other !== undefined) violate('G2', `${machine.name} gets ${index} while ${other} is under way`, shard.shardId);
    for (let earlier = Math.max(begun, shard.agedOut); earlier < index; earlier++) {
      if (done.has(earlier) || this.#laneAt(shard, earlier) !== lane) continue;
      violate('G2', `${machine.name} gets ${index} before ${earlier} is done with`, shard.shardId);
    }
  }

  #checkLetGo(
    { machine, shard, token, failures, quarantined }: RecordSession,
    { sequenceNumber }: RecordPosition,
    reason: string,
    attempts: number,
  ): number | undefined {
    const index = shard.indexOf.get(sequenceNumber);
    const count = index === undefined ? 0 : (failures.get(index) ?? 0);
    const isOfKey = this.#parts.quarantinesKeys && quarantined.has(shard.records[index ?? -1]?.key ?? '');
    const isCrash = reason === 'crashes';
    const isRight = isCrash ? this.#parts.crashes.mayLetGo(shard, token, index ?? -1) : count >= attempts;
    if (index !== undefined && (reason === 'key' ? isOfKey : isRight)) return index;
    const text = `${machine.name} lets record ${index ?? sequenceNumber} go (${reason}), which has failed ${count} times`;
    this.#parts.violate('G7', text, shard.shardId);
    return undefined;
  }

  /** So many calls at once, and so far ahead of the first record that is open, at most. */
  #checkLimits({ machine, shard, inHand, begun, done }: RecordSession, index: number): void {
    const { violate, maxInFlight, maxAhead } = this.#parts;
    if (inHand.size > maxInFlight) violate('G2', `${machine.name} has ${inHand.size} calls under way`, shard.shardId);
    let open = Math.max(begun, shard.agedOut);
    while (done.has(open)) open++;
    if (index - open >= maxAhead) violate('G2', `${machine.name} gets ${index} while ${open} is open`, shard.shardId);
  }

  #laneAt(shard: ShardLog, index: number): string {
    return this.#parts.laneOf(shard.records[index]?.key ?? '');
  }
}
