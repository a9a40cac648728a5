import { mean, median, most } from '../statistics';
import { failoverTimeMs } from './fleet';
import { percentile } from './percentile';
import type { Samples, ScenarioName } from './scenario';

/** Something that a scenario must reach on two cores, or should. */
export interface Limit {
  readonly what: string;
  readonly atMost: number;
  /** `aim`: nice to have. */
  readonly kind: 'aim' | 'must';
  /** Undefined if it was not measured. */
  readonly of: (samples: Samples) => number | undefined;
}

type Figure = (values: readonly number[]) => number;

function must(what: string, atMost: number, of: Limit['of']): Limit {
  return { what, atMost, kind: 'must', of };
}

function aim(what: string, atMost: number, of: Limit['of']): Limit {
  return { what, atMost, kind: 'aim', of };
}

function figureOf(name: ArraysOfSamples, figure: Figure): Limit['of'] {
  return ({ [name]: values }) => (values === undefined || values.length === 0 ? undefined : figure(values));
}

type ArraysOfSamples = Exclude<keyof Samples, 'duplicates' | 'missing'>;

const p99: Figure = (values) => percentile(values, 0.99);
const noDuplicates = must('duplicates', 0, ({ duplicates }) => duplicates);
const noneMissing = must('missing records', 0, ({ missing }) => missing);

/** What must be reached, row by row. */
export const limits: Readonly<Record<ScenarioName, readonly Limit[]>> = {
  'cold-start': [
    must('ratio to the bare writes, median', 2, figureOf('ratios', median)),
    aim('all held, median ms', 3_000, figureOf('balancedMs', median)),
  ],
  'start-together': [
    must('ratio to the bare writes, median', 3, figureOf('ratios', median)),
    aim('even, median ms', 5_000, figureOf('balancedMs', median)),
    must('creates per lease, worst run', 1.2, figureOf('createsPerLease', most)),
    must('takes per lease, worst run', 1.1, figureOf('claimsPerLease', most)),
  ],
  join: [
    must('even, median ms', 1_000, figureOf('balancedMs', median)),
    must('even, worst ms', 2_000, figureOf('balancedMs', most)),
    must('first record, median ms', 1_000, figureOf('firstRecordMs', median)),
    must('first record, worst ms', 2_000, figureOf('firstRecordMs', most)),
    noDuplicates,
    noneMissing,
  ],
  'scale-out': [
    must('even, worst ms', 10_000, figureOf('balancedMs', most)),
    must('moves per moved lease, mean', 1.2, figureOf('moves', mean)),
    noDuplicates,
    noneMissing,
  ],
  sigterm: [must('shard read again, p99 ms', 1_000, figureOf('unreadMs', p99)), noDuplicates, noneMissing],
  sigkill: [must('shard read again, p99 ms', failoverTimeMs + 3_000, figureOf('unreadMs', p99)), noneMissing],
  'rolling-restart': [
    must('shard unread, worst ms', 2_000, figureOf('unreadMs', most)),
    must('moves per lease, mean', 2.1, figureOf('moves', mean)),
    must('moves per lease, most', 3, figureOf('moves', most)),
    noDuplicates,
    noneMissing,
  ],
};
