import type { Socket } from 'node:net';
import { SmallSet } from '@millrace/core';
import type { buildConnector as BuildConnector, Client as UndiciClient } from 'undici';
import { useSmallReads } from './small-reads';
import { buildConnector, Client } from './undici-client';

/** Connections to each endpoint. Each call takes some milliseconds, so that 50 carry thousands of calls a second. */
export const maxSockets = 50;
export const connectTimeoutMs = 5_000;
/** Idle connections are closed after so long, at the latest: before the service or something on the way forgets them. */
const keepAliveMs = 20_000;
/** Longer than `fetch.callTimeoutMs` can be. Callers have deadlines of their own; this is for who has none. */
const silenceMs = 150_000;

/** A call that needs a connection. */
export interface PooledCall {
  /** It has one, which may have to be made yet, and gives it back when it is over. */
  begin(client: UndiciClient): void;
  /** It will not have one. */
  refuse(error: Error): void;
}

/** Returns the socket at once, though its type does not say so. */
type Connect = (...args: Parameters<BuildConnector.connector>) => Socket;

/**
 * The connections to one endpoint: an undici client for each, which carries one call at a time. Calls beyond {@link maxSockets} wait in
 * turn, for as long as their callers do.
 *
 * Not undici's `Pool`: that one forgets clients that could not connect, and goes on to give them calls; and a call that it refuses keeps
 * one of its connections for ever.
 */
export class ConnectionPool {
  readonly #origin: string;
  readonly #clients = new Set<UndiciClient>();
  /** Those of them that carry no call. The last one used is the next: the others may grow old, and be closed. */
  readonly #idle: UndiciClient[] = [];
  /** Longest first. */
  readonly #waiting = new SmallSet<PooledCall>();
  readonly #connect = buildConnector({ timeout: connectTimeoutMs }) as Connect;
  /** What is being connected: clients do not end that themselves. */
  readonly #connecting = new Set<Socket>();
  #isHandingOut = false;
  #isDestroyed = false;

  /** @param origin such as `https://kinesis.eu-west-1.amazonaws.com` */
  constructor(origin: string) {
    this.#origin = new URL(origin).origin;
  }

  /** Gives the call a connection, now or later, or refuses it. */
  take(call: PooledCall): void {
    if (this.#isDestroyed) {
      call.refuse(destroyed());
      return;
    }
    this.#waiting.add(call);
    this.#handOut();
  }

  /** The call needs none any more, and has none. */
  forget(call: PooledCall): void {
    this.#waiting.delete(call);
  }

  /** @param isGood the call has its whole answer, or was not begun; after anything else the client is not used again, in whatever state it is */
  giveBack(client: UndiciClient, isGood: boolean): void {
    if (isGood) this.#idle.push(client);
    else this.#drop(client, new Error('the connection is not used again'));
    this.#handOut();
  }

  /** Closes all connections. What is under way fails, and so does what waits or comes later. */
  destroy(): void {
    this.#isDestroyed = true;
    const error = destroyed();
    for (const call of [...this.#waiting]) {
      this.#waiting.delete(call);
      call.refuse(error);
    }
    for (const client of [...this.#clients]) this.#drop(client, error);
    for (const socket of this.#connecting) socket.destroy(error);
  }

  #handOut(): void {
    // A call that fails at once gives its client back before it has begun.
    if (this.#isHandingOut) return;
    this.#isHandingOut = true;
    try {
      // Anew each time: a call that begins may bring another one.
      for (let [call] = this.#waiting; call !== undefined; [call] = this.#waiting) {
        const client = this.#free();
        if (client === undefined) break;
        this.#waiting.delete(call);
        call.begin(client);
      }
    } finally {
      this.#isHandingOut = false;
    }
  }

  #free(): UndiciClient | undefined {
    const client = this.#idle.pop();
    if (client !== undefined || this.#clients.size >= maxSockets) return client;
    const another = new Client(this.#origin, {
      connect: (options, callback) => {
        const socket = this.#connect(options, (...result) => {
          this.#connecting.delete(socket);
          callback(...result);
        });
        useSmallReads(socket);
        this.#connecting.add(socket);
      },
      ...{ keepAliveTimeout: keepAliveMs, keepAliveMaxTimeout: keepAliveMs },
      ...{ headersTimeout: silenceMs, bodyTimeout: silenceMs },
    });
    this.#clients.add(another);
    return another;
  }

  #drop(client: UndiciClient, error: Error): void {
    this.#clients.delete(client);
    client.destroy(error).catch(() => undefined);
  }
}

function destroyed(): Error {
  return new Error('the clients were destroyed');
}
