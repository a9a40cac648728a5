import type { LeaseSettings } from './messages';

/**
 * So that a lease is renewed every 40 seconds, and renewals are next to nothing beside what is read; and so that a process which does
 * nothing but read may be as late with them as it then is. Shards are opened slowly until the table has been scanned: sooner than
 * goes with that.
 */
export const longLeases: LeaseSettings = { failoverTimeMs: 120_000, scanIntervalMs: 4_000 };
