import { measureJoin } from './measure-join';
import { measureLeave } from './measure-leave';
import { measureRollingRestart } from './measure-rolling-restart';
import { measureScaleOut } from './measure-scale-out';
import { measureStart } from './measure-start';
import type { Scenario } from './scenario';

/** All that there are, in the order in which they are run and shown. */
export const scenarios: readonly Scenario[] = [
  { name: 'cold-start', workers: 1, shards: 1000, runs: 5, measure: (context) => measureStart(context, 'cold-start') },
  {
    name: 'start-together',
    workers: 10,
    shards: 1000,
    runs: 5,
    measure: (context) => measureStart(context, 'start-together'),
  },
  { name: 'join', workers: 2, shards: 10, runs: 20, measure: measureJoin },
  { name: 'scale-out', workers: 10, shards: 1000, runs: 3, measure: measureScaleOut },
  {
    name: 'sigterm',
    workers: 4,
    shards: 40,
    runs: 20,
    measure: (context) => measureLeave('SIGTERM', 'sigterm', context),
  },
  {
    name: 'sigkill',
    workers: 4,
    shards: 40,
    runs: 20,
    measure: (context) => measureLeave('SIGKILL', 'sigkill', context),
  },
  { name: 'rolling-restart', workers: 4, shards: 40, runs: 3, measure: measureRollingRestart },
];
