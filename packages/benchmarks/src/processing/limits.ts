import type { Limit } from '../limit';
import type { Row } from './row';

/** What must be reached, by the name of the row. */
export const limits: Readonly<Record<string, readonly Limit<Exclude<keyof Row, 'scenario'>>[]>> = {
  'plain-200': [{ column: 'ratio', least: 0.9 }],
  'plain-1k': [{ column: 'ratio', least: 0.95 }],
  'idle-shards': [{ column: 'rssMegabytes', most: 150 }],
  'idle-shards-1gb-heap': [{ column: 'rssMegabytes', most: 150 }],
  // The budget and 150 MB.
  'full-memory': [{ column: 'rssMegabytes', most: 256 + 150 }],
  latency: [
    { column: 'p50Ms', most: 120 },
    { column: 'p99Ms', most: 260 },
  ],
  deaggregation: [{ column: 'ratio', least: 4 }],
  'three-applications': [
    { column: 'throttledShare', most: 0.01 },
    // A tenth less than a third.
    { column: 'leastShare', least: 0.3 },
  ],
};
