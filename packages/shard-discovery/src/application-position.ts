import type { InitialPosition, Lease } from '@millrace/core';

/**
 * Where this application starts, fixed once: either the oldest record there is, or a moment. `checkpoint` is the KCL's
 * sentinel that new lease rows carry beside the moment.
 */
export type ApplicationPosition =
  | { readonly kind: 'trim-horizon' }
  | { readonly kind: 'moment'; readonly sentinel: 'latest' | 'at-timestamp'; readonly timestampMs: number };

/**
 * LATEST is the service's time at the first start less this margin, in milliseconds. It covers that the service answers
 * in whole seconds and the spread between its hosts; an application at LATEST may see records that are this much older
 * than its start, and misses none that are newer.
 */
export const latestMarginMs = 2_000;

/**
 * The position from the lease rows, where one was stored; else from the options. A row's moment wins over the options,
 * so that a restart, with whatever options, starts no shard at another moment than the rest of the application.
 */
export function applicationPosition(
  leases: readonly Lease[],
  initialPosition: InitialPosition,
  serviceTimeMs: number,
): ApplicationPosition {
  const moments = leases.flatMap(({ initialTimestampMs }) => initialTimestampMs ?? []);
  if (moments.length > 0) {
    const sentinel = initialPosition === 'LATEST' ? 'latest' : 'at-timestamp';
    return { kind: 'moment', sentinel, timestampMs: moments.reduce((least, moment) => Math.min(least, moment)) };
  }
  if (initialPosition === 'TRIM_HORIZON') return { kind: 'trim-horizon' };
  if (initialPosition === 'LATEST') {
    return { kind: 'moment', sentinel: 'latest', timestampMs: serviceTimeMs - latestMarginMs };
  }
  return { kind: 'moment', sentinel: 'at-timestamp', timestampMs: initialPosition.timestamp.getTime() };
}
