import type { Kinesis } from '@aws-sdk/client-kinesis';
import type { Need } from './contract-case';

/** A Kinesis that the cases can run against. */
export interface Target {
  readonly name: string;
  /** What it offers of what a case may need. */
  readonly offers: ReadonlySet<Need>;
  /** How many cases may run at a time. */
  readonly concurrency: number;
  /** Cases that need one of these come last, one at a time: they would hold up the others. */
  readonly alone: ReadonlySet<Need>;
  /** A case that takes longer has failed. */
  readonly caseTimeMs: number;
  /** A place for one case with these needs to work in. */
  open(needs: readonly Need[]): Promise<Session>;
  /** Deletes what the sessions share, and stops what was started. */
  close(): Promise<void>;
}

/** What one case gets of a target. */
export interface Session {
  readonly kinesis: Kinesis;
  /** Lets time pass for the service at once; absent where it can't. */
  readonly advance?: ((ms: number) => void) | undefined;
  sleep(ms: number): Promise<void>;
  /** A name that no stream has. */
  newStreamName(): string;
  /** The name of a stream for looking at; `isNew` for whoever has to make it. */
  sharedStream(): { readonly name: string; readonly isNew: boolean };
  /** Deletes these streams, if they are there, and drops the client. */
  close(streamNames: readonly string[]): Promise<void>;
}
