import type { AbortSignalLike, LeaseSeed } from '@millrace/core';

/** Whose a new lease is: this worker's, or nobody's. */
export interface Ownership {
  readonly unowned: boolean;
}

/** How the workers that start together share the work of filling an empty table. */
export interface FirstStart {
  /** Whether the others know that this worker fills. */
  readonly isShared: boolean;
  /** Whether another worker fills the table just now. */
  isUnderWay(signal: AbortSignalLike): Promise<boolean>;
  /** The table is read next, to see what is missing. */
  willBeRead(): void;
  /** This worker fills the table, from now on until `end`. */
  begin(): Promise<void>;
  end(): Promise<void>;
  /** What this worker is to create next; undefined once none of the `wanted` is missing. `all`: the oldest first. */
  nextShare(
    all: readonly string[],
    wanted: readonly string[],
    signal: AbortSignalLike,
  ): Promise<ReadonlyMap<string, Ownership> | undefined>;
  /** Adds the row unless there is one, or what is known of the table is outdated; resolves with whether it did. */
  create(seed: LeaseSeed, ownership: Ownership): Promise<boolean>;
  /** Whether it is so long since the table was read that rows may have come and gone. */
  readonly isOutdated: boolean;
}

/** What is asked of it later on. */
export type FillsOfOthers = Pick<FirstStart, 'isUnderWay'>;

export const nobodyFills: FillsOfOthers = { isUnderWay: async () => false };
