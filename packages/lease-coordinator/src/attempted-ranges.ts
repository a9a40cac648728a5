import {
  type AttemptedRange,
  type Checkpoint,
  checkpointAt,
  compareCheckpoints,
  type RecordPosition,
} from '@millrace/core';
import type { AcquiredLease } from './lease-moves';

/** So many changes of owner without a checkpoint between them, the last of them by force. A deploy is one, by itself. */
const CRASH_LOOP_FROM = 2;

const position = '(\\d+)/(\\d+)';
const rangePattern = new RegExp(`^${position} ${position} (\\d+) (\\d+)$`);
const separator = ', ';

/** `first last records attempts`, positions as `sequenceNumber/subSequenceNumber`; several are separated by commas. */
export function formatAttempted(ranges: readonly AttemptedRange[]): string {
  const words = ({ sequenceNumber, subSequenceNumber }: RecordPosition): string =>
    `${sequenceNumber}/${String(subSequenceNumber)}`;
  return ranges
    .map(
      ({ first, last, recordCount, attempts }) =>
        `${words(first)} ${words(last)} ${String(recordCount)} ${String(attempts)}`,
    )
    .join(separator);
}

/** The opposite of {@link formatAttempted}. A range that cannot be read is as good as none: records are delivered then. */
export function parseAttempted(text: string | undefined): readonly AttemptedRange[] {
  // Of nearly every row, and rows are read all the time.
  if (text === undefined) return [];
  return text.split(separator).flatMap((range) => {
    const [, first = '', firstSub, last = '', lastSub, recordCount, attempts] = rangePattern.exec(range) ?? [];
    const numbers = [firstSub, lastSub, recordCount, attempts].map(Number);
    if (first === '' || !numbers.every(Number.isSafeInteger)) return [];
    return {
      first: { sequenceNumber: first, subSequenceNumber: Number(firstSub) },
      last: { sequenceNumber: last, subSequenceNumber: Number(lastSub) },
      recordCount: Number(recordCount),
      attempts: Number(attempts),
    };
  });
}

/** Those of which not every record is acknowledged. */
export function openAttempts(ranges: readonly AttemptedRange[], checkpoint: Checkpoint): readonly AttemptedRange[] {
  return ranges.filter(({ last }) => compareCheckpoints(checkpointAt(last), checkpoint) > 0);
}

/** Whether both name the same records that are not acknowledged, as attempted as often. */
export function areSameAttempts(
  one: readonly AttemptedRange[],
  other: readonly AttemptedRange[],
  checkpoint: Checkpoint,
): boolean {
  return formatAttempted(openAttempts(one, checkpoint)) === formatAttempted(openAttempts(other, checkpoint));
}

/** There are some, and every record of them is acknowledged. */
export function passesAll(ranges: readonly AttemptedRange[], checkpoint: Checkpoint): boolean {
  return ranges.length > 0 && openAttempts(ranges, checkpoint).length === 0;
}

/** One worker after another has lost the lease without giving it up, and none has got on. */
export function isCrashLoop({ lease, wasTakenAway }: Pick<AcquiredLease, 'lease' | 'wasTakenAway'>): boolean {
  return wasTakenAway && lease.ownerSwitchesSinceCheckpoint >= CRASH_LOOP_FROM;
}
