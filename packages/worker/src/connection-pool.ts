import { setMaxListeners } from 'node:events';
import { notSent, systemClock } from '@millrace/core';
import { buildConnector, Client } from 'undici';

/** Connections to each endpoint. Each call takes some milliseconds, so that 50 carry thousands of calls a second. */
export const maxSockets = 50;
export const connectTimeoutMs = 5_000;
/** Idle connections are closed after so long, at the latest: before the service or something on the way forgets them. */
const keepAliveMs = 20_000;
/** Longer than `fetch.callTimeoutMs` can be. Callers have deadlines of their own; this is for who has none. */
const silenceMs = 150_000;

/** A call that needs a connection. */
export interface PooledCall {
  /** It has one, and gives it back when it is over. */
  begin(client: Client): void;
  /** It will not have one. */
  refuse(error: Error): void;
}

/**
 * The connections to one endpoint: an undici client for each, which carries one call at a time. Calls beyond {@link maxSockets} wait in turn,
 * for {@link connectTimeoutMs} at most.
 *
 * Not undici's `Pool`: that one forgets clients that could not connect, and goes on to give them calls; and a call that it refuses keeps
 * one of its connections for ever.
 */
export class ConnectionPool {
  readonly #origin: string;
  readonly #clients = new Set<Client>();
  /** Those of them that carry no call. The last one used is the next: the others may grow old, and be closed. */
  readonly #idle: Client[] = [];
  /** Longest first, each with what stops its clock. */
  readonly #waiting = new Map<PooledCall, () => void>();
  /** Ends what is being connected, too: clients do not end that themselves. */
  readonly #end = new AbortController();
  readonly #connector: buildConnector.connector;
  #isHandingOut = false;

  /** @param origin such as `https://kinesis.eu-west-1.amazonaws.com` */
  constructor(origin: string) {
    this.#origin = new URL(origin).origin;
    const { signal } = this.#end;
    setMaxListeners(0, signal);
    this.#connector = buildConnector({ timeout: connectTimeoutMs, ...{ signal } });
  }

  /** Gives the call a connection, now or later, or refuses it. */
  take(call: PooledCall): void {
    if (this.#end.signal.aborted) {
      call.refuse(destroyed());
      return;
    }
    const client = this.#waiting.size === 0 ? this.#free() : undefined;
    if (client !== undefined) call.begin(client);
    // When the thread stood still, calls are over of which nobody has heard yet: they come first.
    else
      this.#waiting.set(
        call,
        systemClock.after(connectTimeoutMs, () => systemClock.after(0, () => this.#tooLate(call))),
      );
  }

  /** The call needs none any more. */
  forget(call: PooledCall): void {
    this.#waiting.get(call)?.();
    this.#waiting.delete(call);
  }

  /** @param isGood the call has its whole answer; after anything else the client is not used again, in whatever state it is */
  giveBack(client: Client, isGood: boolean): void {
    if (isGood) this.#idle.push(client);
    else this.#drop(client);
    this.#handOut();
  }

  /** Closes all connections. What is under way fails, and so does what waits or comes later. */
  destroy(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort(destroyed());
    for (const call of [...this.#waiting.keys()]) {
      this.forget(call);
      call.refuse(destroyed());
    }
    for (const client of [...this.#clients]) this.#drop(client);
  }

  #handOut(): void {
    // A call that fails at once gives its client back before it has begun.
    if (this.#isHandingOut) return;
    this.#isHandingOut = true;
    for (const call of this.#waiting.keys()) {
      const client = this.#free();
      if (client === undefined) break;
      this.forget(call);
      call.begin(client);
    }
    this.#isHandingOut = false;
  }

  #free(): Client | undefined {
    const client = this.#idle.pop();
    if (client !== undefined || this.#clients.size >= maxSockets) return client;
    const another = new Client(this.#origin, {
      connect: this.#connector,
      ...{ keepAliveTimeout: keepAliveMs, keepAliveMaxTimeout: keepAliveMs },
      ...{ headersTimeout: silenceMs, bodyTimeout: silenceMs },
    });
    this.#clients.add(another);
    return another;
  }

  #tooLate(call: PooledCall): void {
    if (!this.#waiting.has(call)) return;
    this.forget(call);
    const text = `none of the ${maxSockets} connections to ${this.#origin} became free within ${connectTimeoutMs} ms`;
    call.refuse(notSent(text));
  }

  #drop(client: Client): void {
    this.#clients.delete(client);
    client.destroy().catch(() => undefined);
  }
}

function destroyed(): Error {
  return new Error('the clients were destroyed');
}
