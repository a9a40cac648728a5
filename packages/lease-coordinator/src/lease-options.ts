import { rejectUnknownOptions } from '@millrace/core';

/** How leases are held and shared. Times are in milliseconds. */
export interface LeaseOptions {
  /**
   * How long a lease outlives its owner's last sign of life before another worker takes it.
   *
   * 1_000 to 3_600_000, default 10_000. Shorter: a crashed worker's shards wait less; but pauses of the process and
   * slow answers of DynamoDB cost leases sooner, and the table is written and read more often. May differ between
   * workers while a fleet is updated: the longer of two counts. KCL: `failoverTimeMillis`.
   */
  readonly failoverTimeMs?: number | undefined;
  /**
   * How often each held lease is renewed. A checkpoint counts as a renewal.
   *
   * 100 to a third of `failoverTimeMs`, default a third. Shorten it only to see requests of other workers sooner.
   * KCL: derived, `failoverTimeMillis / 3 - epsilonMillis`.
   */
  readonly renewIntervalMs?: number | undefined;
  /**
   * How often the whole lease table is read, to see free and expired leases.
   *
   * 100 to a quarter of `failoverTimeMs`, default a fifth. Each read costs half a read unit per 4 KB of the table.
   * KCL: the taker's `(failoverTimeMillis + epsilonMillis) * 2`.
   */
  readonly scanIntervalMs?: number | undefined;
  /**
   * The most leases that this worker takes or asks for.
   *
   * 1 or more, default unlimited. Set it to what one process can keep up with; leases that nobody may take stay
   * unread. KCL: `maxLeasesForWorker`.
   */
  readonly maxLeases?: number | undefined;
  /**
   * How long a record processor may take to finish when another worker has asked for its lease. After that its signal
   * aborts and the lease is renewed no more.
   *
   * 100 to 3_600_000, default 30_000. Longer than the slowest batch. KCL: `gracefulLeaseHandoffTimeoutMillis`.
   */
  readonly handoverTimeoutMs?: number | undefined;
}

export interface ResolvedLeaseOptions {
  readonly failoverTimeMs: number;
  readonly renewIntervalMs: number;
  readonly scanIntervalMs: number;
  readonly maxLeases: number;
  readonly handoverTimeoutMs: number;
  /**
   * Waited beyond the failover time before a lease counts as expired, for clocks that run at different rates: a
   * twentieth of the failover time that counts, which is the row's if that is longer.
   */
  readonly expiryMarginMs: number;
  /** How long before the deadline of a lease its handler is told to stop: a tenth of the failover time. */
  readonly abortMarginMs: number;
  /** How far wall and monotonic clock may drift apart between two renewals: half the expiry margin. */
  readonly driftMarginMs: number;
  /** The deadline of each call to the lease table: a quarter of the failover time, so that it can be made again. */
  readonly callTimeoutMs: number;
}

/** The margin beyond a failover time after which a lease counts as expired: a twentieth. */
export function expiryMarginMs(failoverTimeMs: number): number {
  return Math.ceil(failoverTimeMs / 20);
}

const DEFAULT_FAILOVER_TIME_MS = 10_000;
const DEFAULT_HANDOVER_TIMEOUT_MS = 30_000;
const MIN_FAILOVER_TIME_MS = 1_000;
const MIN_INTERVAL_MS = 100;
const MAX_TIME_MS = 3_600_000;

const known: Record<keyof LeaseOptions, true> = {
  failoverTimeMs: true,
  renewIntervalMs: true,
  scanIntervalMs: true,
  maxLeases: true,
  handoverTimeoutMs: true,
};

/** Fills in the defaults and pushes a sentence to `problems` for everything wrong. The result counts only if none was. */
export function resolveLeaseOptions(options: LeaseOptions | undefined, problems: string[]): ResolvedLeaseOptions {
  rejectUnknownOptions(options, { prefix: 'leases.', known: Object.keys(known), problems });
  const failoverTimeMs = options?.failoverTimeMs ?? DEFAULT_FAILOVER_TIME_MS;
  const resolved = {
    failoverTimeMs,
    renewIntervalMs: options?.renewIntervalMs ?? Math.floor(failoverTimeMs / 3),
    scanIntervalMs: options?.scanIntervalMs ?? Math.floor(failoverTimeMs / 5),
    maxLeases: options?.maxLeases ?? Infinity,
    handoverTimeoutMs: options?.handoverTimeoutMs ?? DEFAULT_HANDOVER_TIMEOUT_MS,
    expiryMarginMs: expiryMarginMs(failoverTimeMs),
    abortMarginMs: Math.ceil(failoverTimeMs / 10),
    driftMarginMs: Math.ceil(failoverTimeMs / 40),
    callTimeoutMs: Math.floor(failoverTimeMs / 4),
  };
  const failoverProblem = rangeProblem('failoverTimeMs', failoverTimeMs, MIN_FAILOVER_TIME_MS);
  if (failoverProblem !== undefined) problems.push(failoverProblem);
  // Against a failover time that is itself wrong, the other times would only repeat the same mistake.
  else problems.push(...intervalProblems(resolved));
  const handoverProblem = rangeProblem('handoverTimeoutMs', resolved.handoverTimeoutMs, MIN_INTERVAL_MS);
  if (handoverProblem !== undefined) problems.push(handoverProblem);
  const { maxLeases } = resolved;
  if (maxLeases !== Infinity && !(Number.isSafeInteger(maxLeases) && maxLeases >= 1)) {
    problems.push(`leases.maxLeases (${String(maxLeases)}) must be a whole number of 1 or more, or Infinity`);
  }
  return resolved;
}

function intervalProblems({ renewIntervalMs, scanIntervalMs, failoverTimeMs }: ResolvedLeaseOptions): string[] {
  const failover = `leases.failoverTimeMs (${String(failoverTimeMs)})`;
  const problems = [
    rangeProblem('renewIntervalMs', renewIntervalMs, MIN_INTERVAL_MS),
    rangeProblem('scanIntervalMs', scanIntervalMs, MIN_INTERVAL_MS),
    renewIntervalMs > failoverTimeMs / 3
      ? `leases.renewIntervalMs (${String(renewIntervalMs)}) must be at most a third of ${failover}`
      : undefined,
    scanIntervalMs > failoverTimeMs / 4
      ? `leases.scanIntervalMs (${String(scanIntervalMs)}) must be at most a quarter of ${failover}`
      : undefined,
  ];
  return problems.filter((problem) => problem !== undefined);
}

function rangeProblem(name: string, value: number, min: number): string | undefined {
  if (Number.isSafeInteger(value) && value >= min && value <= MAX_TIME_MS) return undefined;
  return `leases.${name} (${String(value)}) must be a whole number of milliseconds from ${String(min)} to ${String(MAX_TIME_MS)}`;
}
