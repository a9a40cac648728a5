import {
  compareCheckpoints,
  checkpointAt,
  TRIM_HORIZON,
  type Checkpoint,
  type RecordPosition,
  type UserRecord,
} from '@millrace/core';
import { ManualClock, RecordingLogger, seededRandom } from '@millrace/core/testing';
import {
  RecordDispatcher,
  resolveRetryOptions,
  type DeliveryFailure,
  type DispatchTarget,
  type FailurePolicy,
  type LostCause,
  type RetryOptions,
} from '../../src';

export function aRecord(sequenceNumber: number, subSequenceNumber = 0): UserRecord {
  return {
    data: new Uint8Array(),
    partitionKey: 'key',
    explicitHashKey: undefined,
    sequenceNumber: String(sequenceNumber),
    subSequenceNumber,
    approximateArrivalTimestamp: new Date(0),
    aggregated: false,
  };
}

export const numberOf = ({ sequenceNumber }: RecordPosition): number => Number(sequenceNumber);

/** The user's code of a test, and what the dispatcher says of it. */
export class FakeTarget implements DispatchTarget {
  readonly calls: string[][] = [];
  readonly failures: DeliveryFailure[] = [];
  /** Each attempt to let a record go. */
  readonly letters: number[] = [];
  readonly let: { readonly record: number; readonly before: Checkpoint; readonly cause: LostCause }[] = [];
  acknowledgedUpTo: Checkpoint = TRIM_HORIZON;
  resolvedUpTo: RecordPosition | undefined;
  /** As with automatic checkpointing. */
  acknowledgesWhatResolves = false;
  held = true;
  onLetGo: (record: UserRecord) => void | Promise<void> = () => undefined;

  constructor(private readonly onDeliver: (records: readonly UserRecord[], call: number) => void | Promise<void>) {}

  async deliver(records: readonly UserRecord[]): Promise<void> {
    this.calls.push(records.map(({ sequenceNumber }) => sequenceNumber));
    await this.onDeliver(records, this.calls.length);
  }

  resolved(position: RecordPosition): void {
    this.resolvedUpTo = position;
    if (this.acknowledgesWhatResolves) this.#acknowledge(position);
  }

  acknowledged(): Checkpoint {
    return this.acknowledgedUpTo;
  }

  mayDeliver(): boolean {
    return this.held;
  }

  failed(failure: DeliveryFailure): void {
    this.failures.push(failure);
  }

  async letGo(record: UserRecord, before: Checkpoint, cause: LostCause): Promise<void> {
    this.letters.push(numberOf(record));
    await this.onLetGo(record);
    this.let.push({ record: numberOf(record), before, cause });
    if (this.acknowledgesWhatResolves) this.#acknowledge(record);
  }

  #acknowledge(position: RecordPosition): void {
    const checkpoint = checkpointAt(position);
    if (compareCheckpoints(this.acknowledgedUpTo, checkpoint) < 0) this.acknowledgedUpTo = checkpoint;
  }
}

export interface DispatcherOfATest {
  readonly dispatcher: RecordDispatcher;
  readonly clock: ManualClock;
  readonly logger: RecordingLogger;
}

export function aDispatcher(
  target: DispatchTarget,
  policy: FailurePolicy = 'block',
  options?: RetryOptions,
): DispatcherOfATest {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const retry = resolveRetryOptions(options, policy, []);
  const dispatcher = new RecordDispatcher({ target, policy, retry, clock, random: seededRandom(1), logger });
  return { clock, logger, dispatcher };
}
