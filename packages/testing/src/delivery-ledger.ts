import { AssertionError } from 'node:assert';
import { comparePositions, type RecordPosition } from '@millrace/core';

/** A record that a test has put. */
export interface PutRecord {
  readonly partitionKey: string;
  readonly explicitHashKey: string | undefined;
  readonly shardId: string;
  readonly sequenceNumber: string;
}

/** A record that was handed to a record processor. */
export interface Delivery {
  /** The `name` of a `TestWorker`. */
  readonly workerName: string;
  readonly shardId: string;
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  /** What became of the call that it was handed to: `failed` if it rejected, unless it named a later record, or if the worker crashed. */
  readonly outcome: 'failed' | 'processed' | 'under way';
}

/** A record that was delivered more than once. */
export interface Duplicate {
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  /** All of its deliveries, in order. */
  readonly deliveries: readonly Delivery[];
}

interface RecordedDelivery extends Omit<Delivery, 'outcome'> {
  outcome: Delivery['outcome'];
  /** The call that it belongs to. */
  readonly call: object;
  /** When the call began, and when it had settled: counted in beginnings and ends of calls. */
  readonly begunAt: number;
  settledAt: number;
}

const shownAtMost = 10;

/** What a test has put, what was delivered of it, and what must hold between the two. */
export class DeliveryLedger {
  readonly #put: PutRecord[] = [];
  readonly #deliveries: RecordedDelivery[] = [];
  readonly #unprocessed = new Map<string, PutRecord>();
  #events = 0;

  get put(): readonly PutRecord[] {
    return this.#put;
  }

  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  /** How many records no call of a processor has taken and resolved, and none has let go. Of an aggregate one user record is enough. */
  get unprocessedCount(): number {
    return this.#unprocessed.size;
  }

  addPut(record: PutRecord): void {
    this.#put.push(record);
    this.#unprocessed.set(record.sequenceNumber, record);
  }

  /**
   * The records of one call are being handed over. What is returned is to be told how the call ends; the first word counts. What
   * stands before the record that a failed call has named is processed.
   */
  addDeliveries(deliveries: readonly Omit<Delivery, 'outcome'>[]): {
    settle(outcome: 'failed' | 'processed', named?: RecordPosition): void;
  } {
    const common = { outcome: 'under way' as const, call: {}, begunAt: this.#events++, settledAt: Infinity };
    const added = deliveries.map((delivery): RecordedDelivery => ({ ...delivery, ...common }));
    for (const delivery of added) this.#deliveries.push(delivery);
    return {
      settle: (outcome, named) => {
        const settledAt = this.#events++;
        const namedAt = added.findIndex((one) => named !== undefined && comparePositions(one, named) === 0);
        for (const [index, delivery] of added.entries()) {
          if (delivery.outcome !== 'under way') continue;
          delivery.outcome = index < namedAt ? 'processed' : outcome;
          delivery.settledAt = settledAt;
          if (delivery.outcome === 'processed') this.#unprocessed.delete(delivery.sequenceNumber);
        }
      },
    };
  }

  /** The failure policy has let the record go: it was skipped, or its dead letter is confirmed. */
  addLetGo({ sequenceNumber }: Pick<PutRecord, 'sequenceNumber'>): void {
    this.#unprocessed.delete(sequenceNumber);
  }

  duplicates(): readonly Duplicate[] {
    const byPosition = groupBy(
      this.#deliveries,
      ({ sequenceNumber, subSequenceNumber }) => `${sequenceNumber}/${subSequenceNumber}`,
    );
    return [...byPosition.values()].flatMap((deliveries) => {
      const [first] = deliveries;
      if (first === undefined || deliveries.length < 2) return [];
      const { partitionKey, sequenceNumber, subSequenceNumber } = first;
      return [{ partitionKey, sequenceNumber, subSequenceNumber, deliveries }];
    });
  }

  assertNothingLost(): void {
    const lost = [...this.#unprocessed.values()];
    if (lost.length === 0) return;
    fail(
      `${lost.length} of ${this.#put.length} records were not processed`,
      lost.map(({ shardId, partitionKey, sequenceNumber }) => `${shardId} ${partitionKey} ${sequenceNumber}`),
    );
  }

  /**
   * The first time that a record was delivered, each one that was put before it under its key had been: in the same call,
   * or in one that had come to its end. Records of one key with different explicit hash keys have no order.
   */
  assertOrderPerKey(): void {
    const deliveriesOf = groupBy(this.#deliveries, ({ sequenceNumber }) => sequenceNumber);
    const keys = groupBy(this.#put, ({ partitionKey, explicitHashKey }) =>
      JSON.stringify([partitionKey, explicitHashKey]),
    );
    const wrong = [...keys.values()].flatMap((records) =>
      records.slice(1).flatMap((later, index) => {
        const earlier = records[index];
        const [first] = deliveriesOf.get(later.sequenceNumber) ?? [];
        if (earlier === undefined || first === undefined) return [];
        const before = deliveriesOf.get(earlier.sequenceNumber) ?? [];
        if (before.some(({ call, settledAt }) => call === first.call || settledAt < first.begunAt)) return [];
        return [
          `key ${later.partitionKey}: ${later.sequenceNumber} came before ${earlier.sequenceNumber} was done with`,
        ];
      }),
    );
    if (wrong.length > 0) fail(`${wrong.length} records were delivered out of order`, wrong);
  }

  assertNoDuplicates(): void {
    const duplicates = this.duplicates();
    if (duplicates.length === 0) return;
    fail(
      `${duplicates.length} records were delivered more than once`,
      duplicates.map(
        ({ partitionKey, sequenceNumber, subSequenceNumber, deliveries }) =>
          `${partitionKey} ${sequenceNumber}/${subSequenceNumber}: ` +
          deliveries.map(({ shardId, workerName }) => `${shardId} to ${workerName}`).join(', '),
      ),
    );
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function fail(summary: string, lines: readonly string[]): never {
  const shown = lines.slice(0, shownAtMost).map((line) => `\n  ${line}`);
  const rest = lines.length > shownAtMost ? `\n  … and ${lines.length - shownAtMost} more` : '';
  throw new AssertionError({ message: `${summary}:${shown.join('')}${rest}`, stackStartFn: fail });
}
