import type { Logger } from '@millrace/core';
import { EventEmitter } from 'eventemitter3';
import type { WorkerEvents } from './worker-events';

type Listener<Name extends keyof WorkerEvents> = (payload: WorkerEvents[Name]) => void;

/** An emitter whose listeners cannot do harm: what one throws is logged, and the emitting loop goes on. */
export class WorkerEmitter {
  readonly #emitter = new EventEmitter<keyof WorkerEvents>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  on<Name extends keyof WorkerEvents>(name: Name, listener: Listener<Name>): void {
    this.#emitter.on(name, listener);
  }

  off<Name extends keyof WorkerEvents>(name: Name, listener: Listener<Name>): void {
    this.#emitter.off(name, listener);
  }

  emit<Name extends keyof WorkerEvents>(name: Name, payload: WorkerEvents[Name]): void {
    for (const listener of this.#emitter.listeners(name)) void this.#call(name, listener as Listener<Name>, payload);
  }

  /** Reaches the listener before its first await. One that is an async function may reject later: that is caught too. */
  async #call<Name extends keyof WorkerEvents>(
    name: Name,
    listener: (payload: WorkerEvents[Name]) => unknown,
    payload: WorkerEvents[Name],
  ): Promise<void> {
    try {
      await listener(payload);
    } catch (error) {
      this.#logger.error({ err: error, event: name }, 'event listener failed');
    }
  }
}
