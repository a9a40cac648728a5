import type { StopResult } from 'millrace';
import type { Life } from './point';

/** What a process of a check finds in its environment, as JSON. */
export const settingsVariable = 'MILLRACE_PROCESS_CHECK';

export interface Endpoints {
  readonly kinesisEndpoint: string;
  readonly dynamodbEndpoint: string;
}

export interface AwsSettings {
  readonly streams: readonly string[];
  readonly shardCount: number;
  readonly seed: number;
}

/** How far a shard was read: the number of its last acknowledged record, 0 for none, or to its end. */
export type Position = number | 'shard end';

/** A row of the lease table. */
export interface LeaseRow {
  readonly shardId: string;
  readonly owner: string | undefined;
  /** `undefined`: of a record that nobody put. */
  readonly position: Position | undefined;
}

/** What the process that serves Kinesis and DynamoDB is asked, one thing after another. */
export type AwsQuestion =
  | { readonly kind: 'reshard'; readonly stream: string }
  | { readonly kind: 'rows'; readonly tableName: string }
  /** From now on nothing is put into the stream. */
  | { readonly kind: 'quiet'; readonly stream: string };

export interface AwsAnswers {
  readonly reshard: { readonly kind: 'merge' | 'split' };
  readonly rows: readonly LeaseRow[];
  /** The number of the last record of each shard. */
  readonly quiet: Readonly<Record<string, number>>;
}

export interface WorkerSettings extends Endpoints {
  readonly life: Life;
  /** Also the table, and what the worker is called. */
  readonly applicationName: string;
  readonly streamName: string;
  readonly stopTimeoutMs: number;
}

interface OfLease {
  readonly shardId: string;
  /** The fencing token. */
  readonly token: number;
}

/** What a worker process says, each when it happens. Records are named by their number within their shard. */
export type WorkerMessage =
  /** Signals are listened to; the worker has not begun. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'started' }
  | ({ readonly kind: 'taken' } & OfLease)
  | ({ readonly kind: 'lost' } & Pick<OfLease, 'shardId'>)
  /** A call of `processRecords` begins. */
  | ({ readonly kind: 'handed'; readonly numbers: readonly number[] } & OfLease)
  /** `checkpoint()` has resolved, or `processRecords` is about to in automatic mode, or `shardEnded`. */
  | ({ readonly kind: 'acknowledged'; readonly upTo: Position } & OfLease)
  /** `checkpoint()` has rejected. */
  | ({ readonly kind: 'refused'; readonly why: string } & OfLease)
  | { readonly kind: 'stopped'; readonly result: StopResult }
  /** All that was said before has arrived. */
  | { readonly kind: 'sent' }
  /** `run()` has resolved. `open`: what keeps the process alive, beside what did so before there was a worker. */
  | { readonly kind: 'settled'; readonly open: readonly string[] };

/** What the parent has put into the environment of this process. */
export function settingsFromParent(): unknown {
  return JSON.parse(process.env[settingsVariable] ?? '{}');
}
