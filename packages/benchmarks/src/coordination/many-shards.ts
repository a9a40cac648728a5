/**
 * The pause between idle reads of a shard where there are 1000 of them. One call costs 1.6 ms of processor time: at the default of
 * a second the reads alone would take more than the machine has.
 */
export const idleTimeOfManyShardsMs = 10_000;
