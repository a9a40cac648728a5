import { measureDeaggregation } from './measure-deaggregation';
import { measureFullMemory } from './measure-full-memory';
import { measureIdle } from './measure-idle';
import { measureLatency } from './measure-latency';
import { measureReading } from './measure-reading';
import { measureSharing } from './measure-sharing';
import { pageShapes } from './page-shapes';
import type { Scenario } from './scenario';

const reading = { runs: 3, seconds: 20 } as const;

/**
 * All that there are, in the order in which they are run and shown. Where records are read there are as many shards as keep a reader
 * busy for half of the time or a bit more.
 */
export const scenarios: readonly Scenario[] = [
  {
    ...{ name: 'plain-200', ...reading },
    measure: (context) => measureReading('plain-200', { shards: 6, ...pageShapes['plain-200'] }, context),
  },
  {
    ...{ name: 'plain-1k', ...reading },
    measure: (context) => measureReading('plain-1k', { shards: 16, ...pageShapes['plain-1k'] }, context),
  },
  {
    ...{ name: 'aggregated', ...reading },
    measure: (context) => measureReading('aggregated', { shards: 12, ...pageShapes.aggregated }, context),
  },
  { name: 'idle-shards', runs: 2, seconds: 60, measure: measureIdle },
  { name: 'full-memory', runs: 1, seconds: 60, measure: measureFullMemory },
  { name: 'latency', runs: 2, seconds: 60, measure: measureLatency },
  { name: 'deaggregation', runs: 3, seconds: 5, measure: measureDeaggregation },
  { name: 'three-applications', runs: 2, seconds: 300, measure: measureSharing },
];
