import { rejectUnknownOptions } from '@millrace/core';

/** How much one call of `processRecords` is given. What was read at a time is cut into pieces, in order, that keep to it. */
export interface BatchOptions {
  /** The most records, those of aggregates counted one by one: 1 to 1,000,000, default 10,000. */
  readonly maxRecords?: number;
  /** The most bytes of data: 1 to 1,073,741,824, default 10,485,760. One record that is larger comes alone. */
  readonly maxBytes?: number;
}

export interface BatchSettings {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

const ranges = {
  maxRecords: { max: 1_000_000, default: 10_000 },
  maxBytes: { max: 1_073_741_824, default: 10_485_760 },
} as const;

/** Fills in the defaults and adds every problem to `problems`. */
export function resolveBatchOptions(options: BatchOptions | undefined, problems: string[]): BatchSettings {
  rejectUnknownOptions(options, { prefix: 'batch.', known: Object.keys(ranges), problems });
  const resolve = (name: keyof typeof ranges): number => {
    const { max, default: standard } = ranges[name];
    const value: unknown = options?.[name] ?? standard;
    if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max) return Number(value);
    problems.push(`batch.${name} (${String(value)}) must be a whole number from 1 to ${String(max)}`);
    return standard;
  };
  return { maxRecords: resolve('maxRecords'), maxBytes: resolve('maxBytes') };
}
