/* Node's own AbortController takes ten microseconds to make and to abort, several for each call: most of a simulation. */

interface Listener {
  readonly call: (event: object) => void;
}

/** The part of `AbortSignal` that Millrace uses, with the same order of events. */
class LightAbortSignal {
  aborted = false;
  reason: unknown = undefined;
  #listeners: Listener[] | undefined;
  /** Those that {@link any} made of this one and others: they follow when all listeners have been told. */
  #dependants: LightAbortSignal[] | undefined;

  /** Aborts with the first of them. */
  static any(signals: readonly LightAbortSignal[]): LightAbortSignal {
    const all = new LightAbortSignal();
    for (const signal of signals) {
      if (signal.aborted) {
        all.abort(signal.reason);
        return all;
      }
    }
    for (const signal of signals) (signal.#dependants ??= []).push(all);
    return all;
  }

  addEventListener(_type: 'abort', call: Listener['call']): void {
    const listeners = (this.#listeners ??= []);
    if (!listeners.some((listener) => listener.call === call)) listeners.push({ call });
  }

  removeEventListener(_type: 'abort', call: Listener['call']): void {
    const at = this.#listeners?.findIndex((listener) => listener.call === call) ?? -1;
    if (at >= 0) this.#listeners?.splice(at, 1);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason as Error;
  }

  /** Node asks for it by `events.setMaxListeners`. There is no limit here. */
  setMaxListeners(): this {
    return this;
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners ?? [];
    // One that was removed by an earlier one is not told.
    for (const listener of [...listeners]) {
      if (listeners.includes(listener)) listener.call({ type: 'abort', target: this });
    }
    this.#listeners = undefined;
    for (const dependant of this.#dependants ?? []) dependant.abort(reason);
    this.#dependants = undefined;
  }
}

/** Of whoever did not say why. */
const defaultReason = new DOMException('This operation was aborted', 'AbortError');

class LightAbortController {
  readonly signal = new LightAbortSignal();

  abort(reason: unknown = defaultReason): void {
    this.signal.abort(reason);
  }
}

/** Replaces the abort controllers of this process by light ones, for code that is loaded already too. */
export function installLightAbort(): void {
  Object.assign(globalThis, { AbortController: LightAbortController, AbortSignal: LightAbortSignal });
}
