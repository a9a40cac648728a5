import { setMaxListeners } from 'node:events';
import { StopSignal } from '@millrace/core';

/** When the user's code must stop. */
export class HandlerSignal extends StopSignal {
  #forUsers: AbortController | undefined;

  /** The same as a signal of Node.js. Made when it is asked for: most shards are idle. */
  get forUsers(): AbortSignal {
    if (this.#forUsers === undefined) {
      const controller = new AbortController();
      // As many as calls of code that listens: no leak, which is what Node.js takes more than ten for.
      setMaxListeners(Infinity, controller.signal);
      if (this.aborted) controller.abort(this.reason);
      else this.addEventListener('abort', () => controller.abort(this.reason));
      this.#forUsers = controller;
    }
    return this.#forUsers.signal;
  }
}
