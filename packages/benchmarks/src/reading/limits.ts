import type { Limit } from '../limit';
import type { Column } from './row';

/** As many sockets as a worker's pool has. */
const pooledSockets = 50;

const idleShards: readonly Limit<Column>[] = [
  // Each once a second: whoever polls less often takes less, which does not count.
  { column: 'callsPerSecond', least: 950 },
  { column: 'cores', most: 0.4 },
  { column: 'rssMegabytes', most: 150 },
  { column: 'connections', most: pooledSockets },
];

/** What must be reached, by the name of the row. */
export const limits: Readonly<Record<string, readonly Limit<Column>[]>> = {
  'idle-polls worker-direct': [{ column: 'cpuRatioToBareSdk', most: 0.35 }],
  'idle-polls-busy worker-direct': [{ column: 'cpuRatioToBareSdk', most: 0.35 }],
  'plain-1k worker-direct': [{ column: 'ratioToBareSdk', least: 1.5 }],
  'plain-200 worker-direct': [{ column: 'ratioToBareSdk', least: 1.7 }],
  'idle-1000-shards worker-direct': idleShards,
  'idle-1000-shards-1gb-heap worker-direct': idleShards,
};
