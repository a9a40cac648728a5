import type { Kinesis } from '@aws-sdk/client-kinesis';
import type { Need } from './contract-case';
import type { SharedStream } from './stream-names';

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
  /** Deletes what the sessions share, and stops what was started. The names of streams that could not be deleted. */
  close(): Promise<readonly string[]>;
}

/** What one case gets of a target. */
export interface Session {
  /** Shared with nobody. */
  readonly kinesis: Kinesis;
  /** Lets time pass for the service at once; absent where it can't. */
  readonly advance?: ((ms: number) => void) | undefined;
  /** Lets time pass for the service, if need be by waiting. Rejects as soon as the signal aborts. */
  rest(ms: number, signal: AbortSignal): Promise<void>;
  /** A name that no stream has. */
  newStreamName(): string;
  readonly sharedStream: Pick<SharedStream, 'ask'>;
  /** Deletes these streams, if they are there, and drops the client. */
  close(streamNames: readonly string[]): Promise<void>;
}
