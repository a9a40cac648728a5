import { AssertionError } from 'node:assert';

/** A record that a test has put. */
export interface PutRecord {
  readonly partitionKey: string;
  readonly shardId: string;
  readonly sequenceNumber: string;
}

/** A record that was handed to a record processor. */
export interface Delivery {
  readonly workerId: string;
  readonly shardId: string;
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  /** Whether the call that it was handed to has resolved. */
  readonly processed: boolean;
}

/** A record that was delivered more than once. */
export interface Duplicate {
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  /** All of its deliveries, in order. */
  readonly deliveries: readonly Delivery[];
}

const shownAtMost = 10;

/** What a test has put, what was delivered of it, and what must hold between the two. */
export class DeliveryLedger {
  readonly #put: PutRecord[] = [];
  readonly #deliveries: Delivery[] = [];
  readonly #unprocessed = new Map<string, PutRecord>();

  get put(): readonly PutRecord[] {
    return this.#put;
  }

  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  /** The records that no call of a processor has taken and resolved, as they were put. Of an aggregate one user record is enough. */
  get unprocessed(): readonly PutRecord[] {
    return [...this.#unprocessed.values()];
  }

  addPut(record: PutRecord): void {
    this.#put.push(record);
    this.#unprocessed.set(record.sequenceNumber, record);
  }

  /** Records are being handed over. What is returned is to be called once they are processed. */
  addDeliveries(deliveries: readonly Omit<Delivery, 'processed'>[]): () => void {
    const added = deliveries.map((delivery) => ({ ...delivery, processed: false }));
    for (const delivery of added) this.#deliveries.push(delivery);
    return () => {
      for (const delivery of added) {
        delivery.processed = true;
        this.#unprocessed.delete(delivery.sequenceNumber);
      }
    };
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
    const lost = this.unprocessed;
    if (lost.length === 0) return;
    fail(
      `${lost.length} of ${this.#put.length} records were not processed`,
      lost.map(({ shardId, partitionKey, sequenceNumber }) => `${shardId} ${partitionKey} ${sequenceNumber}`),
    );
  }

  /** Every record of a key came before all that were put after it, the first time that each was delivered. */
  assertOrderPerKey(): void {
    const put = new Map(this.#put.map((record) => [record.sequenceNumber, record]));
    const firsts = new Set(this.#deliveries.map(({ sequenceNumber }) => sequenceNumber));
    const expected = groupBy(
      this.#put.filter(({ sequenceNumber }) => firsts.has(sequenceNumber)),
      ({ partitionKey }) => partitionKey,
    );
    const delivered = groupBy(
      [...firsts].flatMap((sequenceNumber) => put.get(sequenceNumber) ?? []),
      ({ partitionKey }) => partitionKey,
    );
    const wrong = [...expected].flatMap(([key, records]) => {
      const seen = delivered.get(key) ?? [];
      const index = records.findIndex((record, place) => seen[place] !== record);
      if (index < 0) return [];
      return [`key ${key}: ${seen[index]?.sequenceNumber ?? ''} came before ${records[index]?.sequenceNumber ?? ''}`];
    });
    if (wrong.length > 0) fail(`${wrong.length} keys were delivered out of order`, wrong);
  }

  assertNoDuplicates(): void {
    const duplicates = this.duplicates();
    if (duplicates.length === 0) return;
    fail(
      `${duplicates.length} records were delivered more than once`,
      duplicates.map(
        ({ partitionKey, sequenceNumber, subSequenceNumber, deliveries }) =>
          `${partitionKey} ${sequenceNumber}/${subSequenceNumber}: ` +
          deliveries.map(({ shardId, workerId }) => `${shardId} to ${workerId}`).join(', '),
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
