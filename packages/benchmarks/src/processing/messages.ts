import type { Usage } from '../server-side';
import type { ProcessUsage } from './process-usage';
import type { Cost } from './scenario';

/** Of what the pages are made that the server of prebuilt answers has for each shard. */
export interface PageShape {
  /** Of the stream. 0: there are no records, and a reader is told that there are no more. */
  readonly recordsPerPage: number;
  /** 1: plain records. */
  readonly userRecordsPerRecord: number;
  /** Of a user record. */
  readonly dataBytes: number;
}

export interface PrebuiltSettings extends PageShape {
  readonly streamName: string;
  readonly shards: number;
}

/** What the server of prebuilt answers says of itself when it is asked. */
export interface PrebuiltUsage extends Usage {
  /** By a clock of its own, in milliseconds. */
  readonly atMs: number;
  /** Calls of GetRecords that it has answered so far. */
  readonly getRecordsCalls: number;
  /** The most connections for Kinesis that were open at once since it was asked before. */
  readonly mostConnections: number;
}

/** A loop of GetRecords around the SDK's client, or a worker whose calls go through the SDK, or that makes them directly. */
export type Reader = 'bare' | 'sdk' | 'direct';

/** Where a process finds AWS, and what it is to read. */
export interface StreamSettings {
  readonly kinesisEndpoint: string;
  readonly dynamodbEndpoint: string;
  readonly streamName: string;
  /** Also the lease table. */
  readonly applicationName: string;
  readonly shards: number;
}

/** Of a worker. */
export interface LeaseSettings {
  readonly failoverTimeMs: number;
  readonly scanIntervalMs: number;
}

export interface ReaderSettings extends StreamSettings, PageShape {
  readonly reader: Reader;
  readonly leases: LeaseSettings;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** Of a process that reads: everything has been read once and is warm, and it begins to measure. */
export interface Begun {
  readonly kind: 'begun';
}

export interface ReaderDone {
  readonly kind: 'done';
  readonly cost: Cost;
  /** Of the time that was measured, as {@link ProcessUsage} has it. */
  readonly busyShare: number;
}

export type ReaderMessage = Begun | ReaderDone;

/** Of GetRecords. */
export interface ReadCounts {
  readonly answered: number;
  readonly throttled: number;
}

export interface IdleSettings extends StreamSettings {
  readonly reader: Reader;
  /** Of the worker. Undefined: its default. */
  readonly idleTimeBetweenReadsMs: number | undefined;
  /** Likewise. */
  readonly leases: LeaseSettings | undefined;
  /** From when everything has been read once. */
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

export type IdleMessage =
  /** So many have been read once. */
  { readonly kind: 'opened'; readonly shards: number } | Begun | IdleMeasured;

export interface IdleMeasured {
  readonly kind: 'measured';
  /** The most that there was at any moment from when everything had been read once. */
  readonly rssBytes: number;
  readonly usage: ProcessUsage;
}

export interface FullMemorySettings extends StreamSettings {
  readonly awsCalls: 'direct' | 'sdk';
  readonly budgetBytes: number;
  /** So long the handlers of all shards wait, from when the budget is used up. */
  readonly measuredMs: number;
}

export interface FullMemoryDone {
  readonly kind: 'measured';
  /** The most that the process ever had. */
  readonly rssBytes: number;
  /** While the handlers waited: the most that it had at a moment, the most that it had had by then, the least that was used of the budget. */
  readonly blockedRssBytes: number;
  readonly blockedPeakBytes: number;
  readonly usedBytes: number;
  /** The fewest shards that waited for memory meanwhile. */
  readonly waitingShards: number;
  /** Batches that had been handed over by then, and afterwards. */
  readonly batches: readonly [number, number];
}

export type LimitedSettings = Pick<StreamSettings, 'shards' | 'streamName'>;

export interface TailSettings extends StreamSettings {
  /** Undefined: the worker's default. */
  readonly idleTimeBetweenReadsMs: number | undefined;
}

/** The data of a record, as JSON. */
export interface Stamp {
  /** By `sharedNowMs`, when the call was begun that puts it. */
  readonly putAtMs: number;
  /** It counts after the readers have found their pace, up to the last one. */
  readonly kind: 'counted' | 'last' | 'settling';
}

export type TailMessage =
  /** All shards have been read once. It counts its calls from when it is told to go until SIGTERM. */
  | { readonly kind: 'tailing' }
  /** After that, once it has got the last record. */
  | { readonly kind: 'tailed'; readonly latenciesMs: readonly number[]; readonly reads: ReadCounts };

export interface DeaggregationSettings {
  readonly way: 'ours' | 'theirs' | 'theirsByOtherNames';
  /** Whether every byte of the data is looked at. */
  readonly isRead: boolean;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

export interface DeaggregationDone {
  readonly kind: 'deaggregated';
  readonly cost: Cost;
}
