import type { Row } from './row';

/** Something that a row must reach on two cores. */
export interface Limit {
  readonly column: Exclude<keyof Row, 'scenario'>;
  readonly least?: number;
  readonly most?: number;
}

/** What must be reached, by the name of the row. */
export const limits: Readonly<Record<string, readonly Limit[]>> = {
  'plain-200': [{ column: 'ratio', least: 0.9 }],
  'plain-1k': [{ column: 'ratio', least: 0.95 }],
  'idle-shards': [{ column: 'rssMegabytes', most: 150 }],
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

/** Nothing that was not measured is within a limit. */
export function isReached({ least = -Infinity, most = Infinity }: Limit, value: number | null): boolean {
  return value !== null && value >= least && value <= most;
}
