import type { Kinesis } from '@aws-sdk/client-kinesis';
import { systemClock, type Clock } from '@millrace/core';
import { newStreamName, SharedStream } from '../stream-names';
import type { Session } from '../target';

/** Attempts to delete a stream that is still being changed, that is one of too many, or whose service is away, a second apart. */
const maxDeleteAttempts = 120;

/** One account of a service that outlives the cases: what they made has to be deleted. */
export class SharedService {
  readonly #shared = new SharedStream();
  readonly #notDeleted: string[] = [];

  /** @param newClient makes clients that share nothing: destroying one must not cut the others off */
  constructor(
    private readonly newClient: () => Kinesis,
    private readonly clock: Clock = systemClock,
  ) {}

  /** For a service that forgets everything in the end anyway. */
  sessionWithoutDeleting(): Session {
    const session = this.session();
    return { ...session, close: async () => session.kinesis.destroy() };
  }

  session(): Session {
    const kinesis = this.newClient();
    return {
      kinesis,
      rest: (ms, signal) => this.clock.sleep(ms, signal),
      newStreamName,
      sharedStream: this.#shared,
      close: async (streamNames) => {
        kinesis.destroy();
        await this.#delete(streamNames);
      },
    };
  }

  /** Deletes what the sessions share. The names of all streams that could not be deleted, now or before. */
  async close(): Promise<readonly string[]> {
    if (this.#shared.wasTried) await this.#delete([this.#shared.name]);
    return this.#notDeleted;
  }

  async #delete(streamNames: readonly string[]): Promise<void> {
    if (streamNames.length === 0) return;
    // A client of its own: that of the session has gone.
    const kinesis = this.newClient();
    try {
      for (const name of streamNames) {
        if (!(await this.#isDeleted(kinesis, name))) this.#notDeleted.push(name);
      }
    } finally {
      kinesis.destroy();
    }
  }

  /** Whatever the error is, the cases that come after must not suffer from it. */
  async #isDeleted(kinesis: Kinesis, name: string): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await kinesis.deleteStream({ StreamName: name, EnforceConsumerDeletion: true });
        return true;
      } catch (error) {
        if (error instanceof Error && error.name === 'ResourceNotFoundException') return true;
        if (attempt === maxDeleteAttempts) return false;
        await this.clock.sleep(1000);
      }
    }
  }
}
