import type { FleetSettings } from './fleet-settings';
import type { LeaseRow } from './lease-row';
import type { ShardLog, StreamLog } from './stream-log';
import type { Violate } from './violation';
import type { VirtualTime } from './virtual-time';

/** What a row says to have been attempted, read by the simulation's own eyes. Indexes count the records of the shard. */
interface Attempted {
  readonly first: number;
  readonly last: number;
  readonly recordCount: number;
  readonly attempts: number;
}

/** One life of a lease: what its row said in the beginning, and what it says. */
interface Life {
  readonly token: number;
  readonly begunAtMs: number;
  /** Behind the checkpoint of then. */
  readonly found: readonly Attempted[];
  now: readonly Attempted[];
}

export interface CrashWatchParts {
  readonly time: VirtualTime;
  readonly violate: Violate;
  readonly log: StreamLog;
  readonly settings: Pick<FleetSettings, 'failurePolicy' | 'deadlyRecord' | 'failoverTimesMs'>;
}

/** Without the option. */
const usualMaxCrashes = 3;
/** Of a suspect a piece is such a part. */
const partOfSuspect = 16;
/** A monotonic clock may be off by so much. */
const clockTolerance = 0.95;

/**
 * Sees which records the rows say to be in hand. Checks that what was in hand when a holder was lost is delivered in smaller pieces,
 * each of which the row names by then; and that a record is let go, or held back, for that reason only after as many holders were
 * lost with it alone in hand.
 */
export class CrashWatch {
  readonly #parts: CrashWatchParts;
  /** Whether a process ends at them. */
  readonly #letGo = new Map<string, boolean>();
  readonly #lives = new Map<string, Life>();
  /** Per lease and record: the lives after which the row said that it was in hand alone once more than before. */
  readonly #alone = new Map<string, Map<number, Set<number>>>();

  constructor(parts: CrashWatchParts) {
    this.#parts = parts;
  }

  /** How many records were let go because processes had ended. */
  get letGo(): number {
    return this.#letGo.size;
  }

  /** Those of them at which no process ends. */
  get innocent(): number {
    return [...this.#letGo.values()].filter((isDeadly) => !isDeadly).length;
  }

  acquired(row: LeaseRow): void {
    const now = this.#attemptedIn(row);
    const found = now.filter(({ last }) => last >= this.#coveredBy(row));
    this.#lives.set(row.leaseKey, { token: row.counter, begunAtMs: this.#parts.time.nowMs, found, now });
  }

  /** By its holder. */
  written(row: LeaseRow): void {
    const life = this.#lives.get(row.leaseKey);
    if (life === undefined) return;
    life.now = this.#attemptedIn(row);
    const alone = this.#aloneIn(row.leaseKey);
    for (const { first: index } of [...life.found, ...life.now].filter(isOneRecord)) {
      const before = attemptsOf(life.found, index);
      const after = attemptsOf(life.now, index);
      if (after > before + 1) this.#violate(`record ${index} was attempted ${after - before} times by one holder`, row);
      if (after > before) alone.set(index, (alone.get(index) ?? new Set()).add(life.token));
    }
    for (const [index, lives] of alone) {
      if (attemptsOf(life.now, index) <= attemptsOf(life.found, index)) lives.delete(life.token);
    }
  }

  /** Its holder has given it up, and was not lost. */
  gaveUp(leaseKey: string): void {
    const token = this.#lives.get(leaseKey)?.token;
    if (token !== undefined) for (const lives of this.#aloneIn(leaseKey).values()) lives.delete(token);
  }

  /** The user's code is given so many records. */
  delivered({ shardId: leaseKey }: ShardLog, token: number, first: number, count: number): void {
    const life = this.#lives.get(leaseKey);
    if (life?.token !== token) return;
    const last = first + count - 1;
    const isNamed = life.now.some((piece) => piece.first <= first && last <= piece.last);
    for (const suspect of life.found) {
      if (suspect.last < first || last < suspect.first) continue;
      if (!isNamed) this.#violate(`records ${first} to ${last} come, and the row does not say so`, { leaseKey });
      if (count > Math.max(1, Math.ceil(suspect.recordCount / partOfSuspect))) {
        this.#violate(`${count} of ${suspect.recordCount} records at which a process may have ended come`, {
          leaseKey,
        });
      }
    }
    if (count === 1) this.#checkHeldBack(leaseKey, life, first);
  }

  /** Whether as many holders as it takes were lost with the record alone in hand. */
  mayLetGo({ shardId, records }: ShardLog, token: number, index: number): boolean {
    const lives = new Set(this.#aloneIn(shardId).get(index));
    lives.delete(token);
    if (lives.size < this.#maxCrashes) return false;
    const { key, number } = records[index] ?? {};
    const { deadlyRecord } = this.#parts.settings;
    this.#letGo.set(`${shardId} ${index}`, deadlyRecord?.key === key && deadlyRecord?.number === number);
    return true;
  }

  /** What has ended the process as often as it may is not delivered, or not before a pause. */
  #checkHeldBack(leaseKey: string, { found, begunAtMs }: Life, index: number): void {
    const { settings, time } = this.#parts;
    const crashes = attemptsOf(found, index);
    if (crashes < this.#maxCrashes) return;
    if (settings.failurePolicy === 'skip' || settings.failurePolicy === 'dead-letter') {
      this.#violate(`record ${index} comes, with which ${crashes} holders were lost`, { leaseKey });
      return;
    }
    const pauseMs = Math.min(...settings.failoverTimesMs) * 2 ** (crashes - this.#maxCrashes) * clockTolerance;
    if (time.nowMs < begunAtMs + pauseMs) {
      this.#violate(`record ${index} comes too soon, with which ${crashes} holders were lost`, { leaseKey });
    }
  }

  #aloneIn(leaseKey: string): Map<number, Set<number>> {
    let alone = this.#alone.get(leaseKey);
    if (alone === undefined) {
      alone = new Map();
      this.#alone.set(leaseKey, alone);
    }
    return alone;
  }

  get #maxCrashes(): number {
    return this.#parts.settings.deadlyRecord?.maxCrashes ?? usualMaxCrashes;
  }

  #coveredBy({ leaseKey, checkpoint }: LeaseRow): number {
    const shard = this.#parts.log.shard(leaseKey);
    return shard === undefined ? 0 : (this.#parts.log.coveredBy(shard, checkpoint) ?? 0);
  }

  #attemptedIn({ leaseKey, attempted }: LeaseRow): readonly Attempted[] {
    if (attempted === '') return [];
    const indexOf = (position = ''): number | undefined =>
      this.#parts.log.shard(leaseKey)?.indexOf.get(position.split('/')[0] ?? '');
    return attempted.split(', ').flatMap((words) => {
      const [first, last, recordCount, attempts] = words.split(' ');
      const [from, to] = [indexOf(first), indexOf(last)];
      if (from === undefined || to === undefined || to < from) {
        this.#violate(`the row names no records: ${words}`, { leaseKey });
        return [];
      }
      return { first: from, last: to, recordCount: Number(recordCount), attempts: Number(attempts) };
    });
  }

  #violate(what: string, { leaseKey }: Pick<LeaseRow, 'leaseKey'>): void {
    this.#parts.violate('G7', what, leaseKey);
  }
}

function isOneRecord({ first, last }: Attempted): boolean {
  return first === last;
}

/** Of the record by itself. */
function attemptsOf(ranges: readonly Attempted[], index: number): number {
  return ranges.find((piece) => isOneRecord(piece) && piece.first === index)?.attempts ?? 0;
}
