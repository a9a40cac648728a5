import type { Kinesis } from '@aws-sdk/client-kinesis';
import { systemClock } from '@millrace/core';
import { nameOf } from '../expectations';
import { newStreamName, SharedStream } from '../stream-names';
import type { Session } from '../target';

/** Attempts to delete a stream that is still being changed, or that is one of too many, a second apart. */
const maxDeleteAttempts = 120;

/** One account of a service that outlives the cases: what they made has to be deleted. */
export class SharedService {
  readonly #shared = new SharedStream();

  /** @param newClient makes clients that share nothing: destroying one must not cut the others off */
  constructor(private readonly newClient: () => Kinesis) {}

  /** For a service that forgets everything in the end anyway. */
  sessionWithoutDeleting(): Session {
    const session = this.session();
    return { ...session, close: async () => session.kinesis.destroy() };
  }

  session(): Session {
    const kinesis = this.newClient();
    return {
      kinesis,
      sleep: (ms) => systemClock.sleep(ms),
      newStreamName,
      sharedStream: () => this.#shared.ask(),
      close: async (streamNames) => {
        kinesis.destroy();
        await this.#delete(streamNames);
      },
    };
  }

  async close(): Promise<void> {
    if (this.#shared.wasMade) await this.#delete([this.#shared.name]);
  }

  async #delete(streamNames: readonly string[]): Promise<void> {
    if (streamNames.length === 0) return;
    // A client of its own: that of the session may be waiting for an answer that doesn't come.
    const kinesis = this.newClient();
    try {
      for (const name of streamNames) await deleteStream(kinesis, name);
    } finally {
      kinesis.destroy();
    }
  }
}

async function deleteStream(kinesis: Kinesis, name: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await kinesis.deleteStream({ StreamName: name, EnforceConsumerDeletion: true });
      return;
    } catch (error) {
      if (nameOf(error) === 'ResourceNotFoundException') return;
      if (attempt === maxDeleteAttempts) throw error;
      await systemClock.sleep(1000);
    }
  }
}
