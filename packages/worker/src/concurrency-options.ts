import { rejectUnknownOptions } from '@millrace/core';

/** How many records of one shard a {@link SingleRecordProcessor} is given at once. */
export interface ConcurrencyOptions {
  /**
   * Records with the same partition key are handed over one after another, in their order; others side by side.
   *
   * @defaultValue `'partitionKey'`
   */
  readonly by?: 'partitionKey';
  /** So many calls of `processRecord` for one shard are under way at once, at most. 1 to 1,000. */
  readonly maxInFlight: number;
  /**
   * So many records may be taken in, from the first one that is not done with, at most: reading waits then. It bounds what is
   * delivered again after a crash, and what is held in memory. `maxInFlight` to 1,000,000.
   *
   * @defaultValue ten times `maxInFlight`
   */
  readonly maxAhead?: number;
}

export interface ConcurrencySettings {
  /** `undefined`: one record after another. */
  readonly by: 'partitionKey' | undefined;
  readonly maxInFlight: number;
  readonly maxAhead: number;
}

const known = ['by', 'maxInFlight', 'maxAhead'] as const satisfies (keyof ConcurrencyOptions)[];

/** Fills in the defaults and adds every problem to `problems`. */
export function resolveConcurrency(options: ConcurrencyOptions | undefined, problems: string[]): ConcurrencySettings {
  const oneByOne = { by: undefined, maxInFlight: 1, maxAhead: 1 } as const;
  if (options === undefined) return oneByOne;
  // From code without types.
  if (typeof options !== 'object' || (options as unknown) === null) {
    problems.push("concurrency must be { by: 'partitionKey', maxInFlight }");
    return oneByOne;
  }
  rejectUnknownOptions(options, { prefix: 'concurrency.', known, problems });
  const { by = 'partitionKey', maxInFlight } = options;
  const maxAhead = options.maxAhead ?? 10 * maxInFlight;
  // From code without types.
  if ((by as unknown) !== 'partitionKey') problems.push(`concurrency.by (${by}) must be 'partitionKey'`);
  if (!isWholeFrom(maxInFlight, 1, 1_000)) {
    problems.push(`concurrency.maxInFlight (${String(maxInFlight)}) must be a whole number from 1 to 1000`);
  } else if (!isWholeFrom(maxAhead, maxInFlight, 1_000_000)) {
    problems.push(
      `concurrency.maxAhead (${String(maxAhead)}) must be a whole number from concurrency.maxInFlight ` +
        `(${String(maxInFlight)}) to 1000000`,
    );
  }
  return { by, maxInFlight, maxAhead };
}

function isWholeFrom(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}
