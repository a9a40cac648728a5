import type { Cost } from './scenario';

/** Of what the pages are made that the server of prebuilt answers has for each shard. */
export interface PageShape {
  /** Of the stream. */
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

export interface ReaderSettings extends StreamSettings, PageShape {
  readonly reader: Reader;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** Of a reader: everything has been read once and is warm. */
export interface Begun {
  readonly kind: 'begun';
}

export interface ReaderDone {
  readonly kind: 'done';
  readonly cost: Cost;
}

export type ReaderMessage = Begun | ReaderDone;

/** Of GetRecords. */
export interface ReadCounts {
  readonly answered: number;
  readonly throttled: number;
}
