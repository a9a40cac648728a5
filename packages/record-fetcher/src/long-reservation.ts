import type { AbortSignalLike, Clock } from '@millrace/core';
import type { MemoryRequest, MemoryShare, Reservation } from './memory-budget';

/** Far below the time after which silence counts as a stall. */
const LIFE_SIGN_MS = 5_000;
const LONG_WAIT_MS = 10_000;

export interface LongReservation {
  readonly share: MemoryShare;
  readonly request: MemoryRequest;
  readonly clock: Clock;
  readonly signal: AbortSignalLike;
  /** Again and again while it waits: nothing else is to be heard for so long. */
  readonly waiting: (delayMs: number) => void;
  /** Once, if it waits for long. */
  readonly waitsLong: (waitedMs: number) => void;
}

/**
 * Waits for memory that is not left at once, and shows meanwhile that to wait for others is no stall. Rejects as soon as `signal`
 * aborts, with nothing held.
 */
export async function longReservation(parts: LongReservation): Promise<Reservation> {
  const { share, request, clock, signal, waiting, waitsLong } = parts;
  const sinceMs = clock.now();
  let isTold = false;
  let cancel = (): void => undefined;
  const showLife = (): void => {
    const waitedMs = Math.round(clock.now() - sinceMs);
    if (waitedMs >= LONG_WAIT_MS && !isTold) {
      isTold = true;
      waitsLong(waitedMs);
    }
    waiting(LIFE_SIGN_MS);
    cancel = clock.after(LIFE_SIGN_MS, showLife);
  };
  showLife();
  try {
    return await share.reserve(request, signal);
  } finally {
    cancel();
  }
}
