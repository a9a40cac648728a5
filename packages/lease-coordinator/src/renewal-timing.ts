/** Looking again at once would not help: the row is mine, yet it refused. */
export const LOOK_AGAIN_AFTER = 1 / 100;
/** After a failure that another attempt would not mend: missing permissions, say. */
export const RENEW_AGAIN_AFTER = 1 / 10;
/**
 * How much of the interval the renewals of leases are spread over that were acquired, or held up, together. They keep that
 * distance. All at once they would queue: the last of them for longer than the table takes for all.
 */
export const RENEWAL_SPREAD = 1 / 2;
/** So late, in intervals, a renewal was held up. */
export const HELD_UP_AFTER = 1 / 4;
