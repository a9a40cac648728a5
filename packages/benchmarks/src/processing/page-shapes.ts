import type { PageShape } from './messages';

/** Pages of somewhat less than the 1.8 MB that a worker asks for at a time, and the page of a shard without records. */
export const pageShapes = {
  'plain-200': { recordsPerPage: 8_000, userRecordsPerRecord: 1, dataBytes: 200 },
  'plain-1k': { recordsPerPage: 1_600, userRecordsPerRecord: 1, dataBytes: 1_000 },
  aggregated: { recordsPerPage: 30, userRecordsPerRecord: 500, dataBytes: 100 },
  empty: { recordsPerPage: 0, userRecordsPerRecord: 1, dataBytes: 0 },
} as const satisfies Readonly<Record<string, PageShape>>;
