import { rejectUnknownOptions } from '@millrace/core';
import { type AssignmentPlan, evenPlan } from './assignment-plan';

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
   * How often each held lease is renewed. A checkpoint counts as a renewal. After an acquisition, and after a renewal that
   * was held up, the next one comes after half of that to all of it, by chance: leases must not be renewed together.
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
   * How often this worker looks into its mailbox, to learn that a lease is asked of it or was handed over to it.
   *
   * 50 to a quarter of `failoverTimeMs`, default a fortieth, 100 at least. Each look costs half a read unit.
   */
  readonly mailIntervalMs?: number | undefined;
  /**
   * Whether this worker stands in the registry of live workers, a row for each in the lease table.
   *
   * Default true. Set it to false in every worker as long as a KCL from 1 to 3.4 uses the same table: it would take the
   * rows for leases and stumble over them. Without it workers see each other by the leases that they hold, and learn
   * what concerns them by reading the table: balancing takes seconds instead of a fraction of one.
   */
  readonly registry?: boolean | undefined;
  /**
   * Who should have which lease, beside the plan that is built in and has version 1. Each needs a version of its own; the
   * lowest among the newest ones of the live workers counts, so that a fleet changes its plan when the last worker has
   * been updated.
   *
   * Default none.
   */
  readonly plans?: readonly AssignmentPlan[] | undefined;
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
  readonly mailIntervalMs: number;
  readonly registry: boolean;
  /** Not empty. */
  readonly plans: readonly AssignmentPlan[];
  readonly maxLeases: number;
  readonly handoverTimeoutMs: number;
  /** After this a worker that has just appeared is taken for all that come with it: a fortieth of the failover time. */
  readonly settleMs: number;
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
const MIN_MAIL_INTERVAL_MS = 50;
/** The greatest that a time may be, here and in what others have written. */
export const MAX_TIME_MS = 3_600_000;

const known: Record<keyof LeaseOptions, true> = {
  failoverTimeMs: true,
  renewIntervalMs: true,
  scanIntervalMs: true,
  mailIntervalMs: true,
  registry: true,
  plans: true,
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
    mailIntervalMs: options?.mailIntervalMs ?? Math.max(MIN_INTERVAL_MS, Math.floor(failoverTimeMs / 40)),
    registry: options?.registry ?? true,
    plans: [evenPlan, ...(options?.plans ?? [])],
    maxLeases: options?.maxLeases ?? Infinity,
    handoverTimeoutMs: options?.handoverTimeoutMs ?? DEFAULT_HANDOVER_TIMEOUT_MS,
    settleMs: Math.ceil(failoverTimeMs / 40),
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
  problems.push(...planProblems(resolved.plans));
  if (typeof resolved.registry !== 'boolean') {
    problems.push(`leases.registry (${String(resolved.registry)}) must be true or false`);
  }
  const { maxLeases } = resolved;
  if (maxLeases !== Infinity && !(Number.isSafeInteger(maxLeases) && maxLeases >= 1)) {
    problems.push(`leases.maxLeases (${String(maxLeases)}) must be a whole number of 1 or more, or Infinity`);
  }
  return resolved;
}

function planProblems(plans: readonly AssignmentPlan[]): string[] {
  const versions = plans.map(({ version }) => version);
  return versions.flatMap((version, index) => [
    ...(Number.isSafeInteger(version) && version >= 1
      ? []
      : [`leases.plans: version ${String(version)} must be a whole number of 1 or more`]),
    ...(versions.indexOf(version) === index
      ? []
      : [`leases.plans: there is another plan of version ${String(version)}`]),
    ...(typeof plans[index]?.assign === 'function' ? [] : [`leases.plans: version ${String(version)} has no assign`]),
  ]);
}

function intervalProblems(resolved: ResolvedLeaseOptions): string[] {
  const { renewIntervalMs, scanIntervalMs, mailIntervalMs, failoverTimeMs } = resolved;
  const failover = `leases.failoverTimeMs (${String(failoverTimeMs)})`;
  const problems = [
    rangeProblem('renewIntervalMs', renewIntervalMs, MIN_INTERVAL_MS),
    rangeProblem('scanIntervalMs', scanIntervalMs, MIN_INTERVAL_MS),
    rangeProblem('mailIntervalMs', mailIntervalMs, MIN_MAIL_INTERVAL_MS),
    renewIntervalMs > failoverTimeMs / 3
      ? `leases.renewIntervalMs (${String(renewIntervalMs)}) must be at most a third of ${failover}`
      : undefined,
    scanIntervalMs > failoverTimeMs / 4
      ? `leases.scanIntervalMs (${String(scanIntervalMs)}) must be at most a quarter of ${failover}`
      : undefined,
    mailIntervalMs > failoverTimeMs / 4
      ? `leases.mailIntervalMs (${String(mailIntervalMs)}) must be at most a quarter of ${failover}`
      : undefined,
  ];
  return problems.filter((problem) => problem !== undefined);
}

function rangeProblem(name: string, value: number, min: number): string | undefined {
  if (Number.isSafeInteger(value) && value >= min && value <= MAX_TIME_MS) return undefined;
  return `leases.${name} (${String(value)}) must be a whole number of milliseconds from ${String(min)} to ${String(MAX_TIME_MS)}`;
}
