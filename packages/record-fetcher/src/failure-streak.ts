import { backoffDelayMs, type BackoffOptions, type Clock, type Logger, type Random } from '@millrace/core';
import type { FetchObserver } from './fetch-observer';

const THROTTLE_BACKOFF: BackoffOptions = { baseMs: 400, maxMs: 5_000 };
const FAILURE_BACKOFF: BackoffOptions = { baseMs: 400, maxMs: 10_000 };

/** One lost answer is everyday; only a streak is worth a line. */
const WARN_FROM_FAILURE = 5;
const LOG_EVERY_MS = 60_000;

export interface FailureStreakParts {
  readonly shardId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observer: FetchObserver;
}

/** The calls that failed since the last one that succeeded: how long to wait, whom to tell, and when to say so in the log. */
export class FailureStreak {
  readonly #parts: FailureStreakParts;
  #length = 0;
  /** Throttles are no failures: a busy shard must not make one lost answer look like an outage. */
  #failures = 0;
  #loggedAtMs: number | undefined;

  constructor(parts: FailureStreakParts) {
    this.#parts = parts;
  }

  /** Returns how long to wait before the next call, in milliseconds. */
  throttled(error: unknown): number {
    const { shardId, random, logger, observer } = this.#parts;
    const delayMs = backoffDelayMs(this.#length++, THROTTLE_BACKOFF, random);
    logger.debug({ err: error, attempt: this.#length, delayMs }, 'shard read throttled');
    observer.throttled?.({ shardId, attempt: this.#length, delayMs });
    return delayMs;
  }

  /** Returns how long to wait before the next call, in milliseconds. */
  failed(kind: 'transient' | 'unauthorized', error: unknown): number {
    const { shardId, random, observer } = this.#parts;
    const delayMs = backoffDelayMs(this.#length++, FAILURE_BACKOFF, random);
    this.#failures++;
    this.#log(kind, error, delayMs);
    observer.failing?.({ shardId, kind, error, attempt: this.#failures });
    return delayMs;
  }

  /** A call succeeded: the streak is over. */
  ended(): void {
    if (this.#length === 0) return;
    const { shardId, logger, observer } = this.#parts;
    if (this.#loggedAtMs !== undefined) logger.info({ attempts: this.#length }, 'shard is read again');
    observer.recovered?.({ shardId, attempts: this.#length });
    this.#length = 0;
    this.#failures = 0;
    this.#loggedAtMs = undefined;
  }

  #log(kind: 'transient' | 'unauthorized', error: unknown, delayMs: number): void {
    const { clock, logger } = this.#parts;
    const fields = { err: error, attempt: this.#failures, delayMs };
    const isQuiet = this.#loggedAtMs !== undefined && clock.now() - this.#loggedAtMs < LOG_EVERY_MS;
    if (isQuiet || (kind === 'transient' && this.#failures < WARN_FROM_FAILURE)) {
      logger.debug(fields, 'shard read failed, will be repeated');
      return;
    }
    this.#loggedAtMs = clock.now();
    if (kind === 'unauthorized') logger.error(fields, 'shard cannot be read: not allowed, or credentials not accepted');
    else logger.warn(fields, 'shard read keeps failing');
  }
}
