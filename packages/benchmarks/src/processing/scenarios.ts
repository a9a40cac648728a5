import { measureDeaggregation } from './measure-deaggregation';
import { measureFullMemory } from './measure-full-memory';
import { measureIdle } from './measure-idle';
import { measureLatency } from './measure-latency';
import { measureReading } from './measure-reading';
import { measureSharing } from './measure-sharing';
import type { Scenario } from './scenario';

const reading = { runs: 3, seconds: 20 } as const;

/**
 * All that there are, in the order in which they are run and shown. Pages are of somewhat less than the 1.8 MB that a worker asks for
 * at a time, and there are as many shards as keep a reader busy for half of the time or a bit more.
 */
export const scenarios: readonly Scenario[] = [
  {
    ...{ name: 'plain-200', ...reading },
    measure: (context) =>
      measureReading(
        'plain-200',
        { shards: 6, recordsPerPage: 8_000, userRecordsPerRecord: 1, dataBytes: 200 },
        context,
      ),
  },
  {
    ...{ name: 'plain-1k', ...reading },
    measure: (context) =>
      measureReading(
        'plain-1k',
        { shards: 16, recordsPerPage: 1_600, userRecordsPerRecord: 1, dataBytes: 1_000 },
        context,
      ),
  },
  {
    ...{ name: 'aggregated', ...reading },
    measure: (context) =>
      measureReading(
        'aggregated',
        { shards: 12, recordsPerPage: 30, userRecordsPerRecord: 500, dataBytes: 100 },
        context,
      ),
  },
  { name: 'idle-shards', runs: 2, seconds: 60, measure: measureIdle },
  { name: 'full-memory', runs: 1, seconds: 60, measure: measureFullMemory },
  { name: 'latency', runs: 2, seconds: 60, measure: measureLatency },
  { name: 'deaggregation', runs: 3, seconds: 5, measure: measureDeaggregation },
  { name: 'three-applications', runs: 2, seconds: 300, measure: measureSharing },
];
