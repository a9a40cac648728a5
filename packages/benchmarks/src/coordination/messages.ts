/** What a process of the bench finds in its environment, as JSON. */
export const settingsVariable = 'MILLRACE_BENCH';

export interface WorkerSettings {
  readonly name: string;
  readonly kinesisEndpoint: string;
  readonly dynamodbEndpoint: string;
  readonly streamName: string;
  /** Also the lease table. */
  readonly applicationName: string;
  readonly failoverTimeMs: number;
  /** Undefined: the worker's default. */
  readonly idleTimeBetweenReadsMs: number | undefined;
}

export interface BareSettings {
  readonly dynamodbEndpoint: string;
  readonly tableName: string;
  readonly leaseKeys: readonly string[];
}

/** Everything that a process sends before it has been told to go. */
export interface Loaded {
  readonly kind: 'loaded';
}

/** The one message to a process: from then on it counts. */
export interface Go {
  readonly kind: 'go';
}

/** `atMs` is when it happened, by `sharedNowMs`, not when it was reported. */
export type Observation =
  | { readonly what: 'called' | 'registered'; readonly atMs: number }
  | { readonly what: 'acquired' | 'gave-up'; readonly atMs: number; readonly shardId: string }
  | {
      readonly what: 'delivered';
      readonly atMs: number;
      readonly shardId: string;
      /** Those of the records, as the producer counts them within the shard. */
      readonly numbers: readonly number[];
    };

/** Calls that this process has begun so far, refused or not. */
export interface Attempts {
  /** PutItem of a lease row. */
  readonly creates: number;
  /** UpdateItem that makes the caller a lease's owner. */
  readonly claims: number;
}

export interface WorkerReport {
  readonly kind: 'report';
  readonly observations: readonly Observation[];
  readonly attempts: Attempts;
}

export interface BareDone {
  readonly kind: 'done';
  readonly beganAtMs: number;
  readonly endedAtMs: number;
}

export type WorkerMessage = Loaded | WorkerReport;
export type BareMessage = Loaded | BareDone;

/** What the parent has put into the environment of this process. */
export function settingsFromParent(): unknown {
  return JSON.parse(process.env[settingsVariable] ?? '{}');
}
