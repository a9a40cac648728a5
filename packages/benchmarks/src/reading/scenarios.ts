import { measureIdlePolls } from './measure-idle-polls';
import { measureIdleShards } from './measure-idle-shards';
import { measureRecords } from './measure-records';
import { idlePollsNames, idleShardsNames, type Scenario } from './scenario';

const usual = { runs: 3, seconds: 15 } as const;

/**
 * All that there are, in the order in which they are run and shown. Where records are read, and in `idle-polls-busy`, there are half as
 * many shards again as the quickest reader can keep up with, or more, by the limits of 2 MB and five calls a second.
 */
export const scenarios: readonly Scenario[] = [
  ...idlePollsNames.map((name): Scenario => ({
    name,
    runs: 3,
    seconds: 20,
    measure: (context) => measureIdlePolls(name, context),
  })),
  { name: 'plain-1k', ...usual, measure: (context) => measureRecords('plain-1k', 64, context) },
  { name: 'plain-200', ...usual, measure: (context) => measureRecords('plain-200', 40, context) },
  { name: 'aggregated', ...usual, measure: (context) => measureRecords('aggregated', 64, context) },
  ...idleShardsNames.map((name): Scenario => ({
    name,
    runs: 1,
    seconds: 60,
    measure: (context) => measureIdleShards(name, context),
  })),
];
