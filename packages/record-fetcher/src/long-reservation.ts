import type { Clock } from '@millrace/core';
import type { MemoryRequest, MemoryShare, Reservation } from './memory-budget';

/** Far below the time after which silence counts as a stall. */
const LIFE_SIGN_MS = 5_000;
const LONG_WAIT_MS = 10_000;

export interface LongReservation {
  readonly share: MemoryShare;
  readonly request: MemoryRequest;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Again and again while it waits: nothing else is to be heard for so long. */
  readonly waiting: (delayMs: number) => void;
  /** Once, if it waits for long. */
  readonly waitsLong: (waitedMs: number) => void;
}

/** Reserves memory, and shows meanwhile that to wait for others is no stall. Rejects as soon as `signal` aborts, with nothing held. */
export async function longReservation(parts: LongReservation): Promise<Reservation> {
  const { share, request, clock, signal, waiting, waitsLong } = parts;
  signal.throwIfAborted();
  const atOnce = share.tryReserve(request);
  if (atOnce !== undefined) return atOnce;
  const reserved = share.reserve(request, signal);
  const sinceMs = clock.now();
  let isTold = false;
  for (;;) {
    waiting(LIFE_SIGN_MS);
    const timer = new AbortController();
    const pause = clock.sleep(LIFE_SIGN_MS, timer.signal).then(
      () => undefined,
      () => undefined,
    );
    try {
      const inTime = await Promise.race([reserved, pause]);
      if (inTime !== undefined) return inTime;
    } finally {
      timer.abort();
    }
    const waitedMs = Math.round(clock.now() - sinceMs);
    if (waitedMs >= LONG_WAIT_MS && !isTold) {
      isTold = true;
      waitsLong(waitedMs);
    }
  }
}
