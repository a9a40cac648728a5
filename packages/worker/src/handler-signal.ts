import { setMaxListeners } from 'node:events';
import { nativeSignal, StopSignal } from '@millrace/core';

/** When the user's code must stop. */
export class HandlerSignal extends StopSignal {
  #forUsers: AbortSignal | undefined;

  /** The same as a signal of Node.js. Made when it is asked for: most shards are idle. */
  get forUsers(): AbortSignal {
    if (this.#forUsers === undefined) {
      this.#forUsers = nativeSignal(this);
      // As many as calls of code that listens: no leak, which is what Node.js takes more than ten for.
      setMaxListeners(Infinity, this.#forUsers);
    }
    return this.#forUsers;
  }
}
