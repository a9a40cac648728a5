import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { MAX_TIME_MS, type ResolvedLeaseOptions } from './lease-options';
import { type Moment, wholeWallMs } from './moment';

/** What a worker says of itself in the registry. */
export interface WorkerDescription {
  readonly workerId: string;
  readonly host: string;
  /** By its own wall clock, in milliseconds since the epoch; for people. */
  readonly startedAtMs: number;
  /** Of Millrace. */
  readonly version: string;
  /** The newest plan that it knows; the oldest among the live workers' is the one that counts. */
  readonly planVersion: number;
  readonly maxLeases: number;
  readonly failoverTimeMs: number;
  /** How long its processors may take to finish a hand-over. */
  readonly handoverTimeoutMs: number;
}

/** What this worker says of itself. */
export function describeWorker({
  workerId,
  host,
  version,
  options: { plans, maxLeases, failoverTimeMs, handoverTimeoutMs },
  startedAt,
}: {
  readonly workerId: string;
  readonly host: string;
  readonly version: string;
  readonly options: ResolvedLeaseOptions;
  readonly startedAt: Moment;
}): WorkerDescription {
  return {
    startedAtMs: wholeWallMs(startedAt),
    ...{ workerId, host, version, maxLeases, failoverTimeMs, handoverTimeoutMs },
    planVersion: Math.max(...plans.map((plan) => plan.version)),
  };
}

/** What a worker's own row changes with a sign of life. */
export interface SignOfLife {
  readonly leasesHeld: number;
  /** It takes nothing more, and gives away what it has. */
  readonly stopping: boolean;
  /** It is creating the rows of an empty table: rows that are missing have never been there. */
  readonly filling: boolean;
  /** For a KCL leader and for people. */
  readonly wallTimeMs: number;
}

/** A row of the registry of live workers: it stands in the lease table. */
export interface WorkerRow extends WorkerDescription, Omit<SignOfLife, 'wallTimeMs'> {
  /** Grows with each sign of life. Whoever sees it stand still for the failover time counts the worker as gone. */
  readonly heartbeat: number;
}

type Item = Readonly<Record<string, AttributeValue>>;

export const workerAttribute = {
  key: 'leaseKey',
  entityType: 'entityType',
  lastUpdate: 'lut',
  metrics: 'sts',
  operatingRange: 'opr',
  heartbeat: 'millraceHeartbeat',
  host: 'millraceHost',
  startedAtMs: 'millraceStarted',
  version: 'millraceVersion',
  planVersion: 'millracePlan',
  maxLeases: 'millraceMaxLeases',
  failoverTimeMs: 'millraceFailoverMs',
  handoverTimeoutMs: 'millraceHandoverTimeout',
  leasesHeld: 'millraceLeasesHeld',
  stopping: 'millraceStopping',
  filling: 'millraceFilling',
  mail: 'millraceMail',
} as const;

/**
 * What the KCL calls the rows in which its workers tell about themselves. Any type that it does not know its version 3.5
 * takes for a lease.
 */
export const workerEntity = 'WORKER_METRIC_STATS';

/**
 * What such a row must have so that a leader of KCL 3.5 neither stumbles over it nor gives this worker a lease: a time,
 * because it computes with it, and a metric whose limit is 0, which makes it an entry that does not count.
 */
export const metricsThatDoNotCount: Item = {
  ':metrics': { M: { C: { L: [{ N: '0' }] } } },
  ':range': { M: { C: { L: [{ N: '0' }] } } },
};

/** Of ours, and not of a KCL worker's. */
export function isWorkerItem(item: Item): boolean {
  return item[workerAttribute.entityType]?.S === workerEntity && item[workerAttribute.heartbeat]?.N !== undefined;
}

/** Reads a row of ours. What is missing or odd gets a value that does no harm: no lease depends on it. */
export function parseWorkerItem(item: Item): WorkerRow {
  const text = (name: string): string => item[name]?.S ?? '';
  const whole = (name: string, otherwise: number): number => {
    const number = Number(item[name]?.N);
    return Number.isSafeInteger(number) && number >= 0 ? number : otherwise;
  };
  return {
    workerId: text(workerAttribute.key),
    heartbeat: whole(workerAttribute.heartbeat, 0),
    host: text(workerAttribute.host),
    startedAtMs: whole(workerAttribute.startedAtMs, 0),
    version: text(workerAttribute.version),
    planVersion: whole(workerAttribute.planVersion, 1),
    maxLeases: whole(workerAttribute.maxLeases, Infinity),
    failoverTimeMs: Math.min(MAX_TIME_MS, whole(workerAttribute.failoverTimeMs, 0)),
    handoverTimeoutMs: Math.min(MAX_TIME_MS, whole(workerAttribute.handoverTimeoutMs, 0)),
    leasesHeld: whole(workerAttribute.leasesHeld, 0),
    stopping: item[workerAttribute.stopping]?.BOOL ?? false,
    filling: item[workerAttribute.filling]?.BOOL ?? false,
  };
}

/** The leases that its mailbox names. */
export function mailOf(item: Item | undefined): readonly string[] {
  return item?.[workerAttribute.mail]?.SS ?? [];
}

/** All that a row says. Each sign of life says it, so that the row comes back whole if somebody has removed it. */
const heartbeatSets = [
  `${workerAttribute.entityType} = :entity`,
  `${workerAttribute.lastUpdate} = :seconds`,
  `${workerAttribute.metrics} = :metrics`,
  `${workerAttribute.operatingRange} = :range`,
  `${workerAttribute.host} = :host`,
  `${workerAttribute.startedAtMs} = :started`,
  `${workerAttribute.version} = :version`,
  `${workerAttribute.planVersion} = :plan`,
  `${workerAttribute.failoverTimeMs} = :failover`,
  `${workerAttribute.handoverTimeoutMs} = :handover`,
  `${workerAttribute.leasesHeld} = :held`,
  `${workerAttribute.stopping} = :stopping`,
  `${workerAttribute.filling} = :filling`,
].join(', ');

/** One sign of life. */
export function heartbeatUpdate(
  worker: WorkerDescription,
  state: SignOfLife,
): { readonly update: string; readonly values: Record<string, AttributeValue> } {
  const a = workerAttribute;
  const number = (value: number): AttributeValue => ({ N: String(value) });
  const isLimited = Number.isFinite(worker.maxLeases);
  const limit = isLimited ? `, ${a.maxLeases} = :max` : '';
  const values: Record<string, AttributeValue> = {
    ':entity': { S: workerEntity },
    ':seconds': number(Math.floor(state.wallTimeMs / 1_000)),
    ':host': { S: worker.host },
    ':started': number(worker.startedAtMs),
    ':version': { S: worker.version },
    ':plan': number(worker.planVersion),
    ':failover': number(worker.failoverTimeMs),
    ':handover': number(worker.handoverTimeoutMs),
    ':held': number(state.leasesHeld),
    ':stopping': { BOOL: state.stopping },
    ':filling': { BOOL: state.filling },
    ':one': number(1),
    ...metricsThatDoNotCount,
  };
  if (isLimited) values[':max'] = number(worker.maxLeases);
  return { update: `SET ${heartbeatSets}${limit} ADD ${a.heartbeat} :one`, values };
}
