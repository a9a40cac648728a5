import type { EventEmitter } from 'node:events';
import { createServer as createHttp1Server, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  constants,
  createServer as createHttp2Server,
  type Http2ServerResponse,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer as createSocketServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Deadlines } from './deadlines';
import type { Connection, RequestListener } from './http-message';
import { Turns } from './turns';

export interface LoopbackServer {
  readonly port: number;
  /** How many connections are open. */
  readonly connectionCount: number;
  /** Cuts every connection and resolves once nothing is open any longer. May be called again. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /**
   * How long a client may take to say what it speaks, to send headers, to send a body, and to take an answer, each in
   * milliseconds of real time.
   */
  readonly clientTimeoutMs: number;
}

/** How an HTTP/2 connection begins whose client knows beforehand that the server speaks it. */
const http2Preface = Buffer.from('PRI');

/** Flow control at the default of 64 KiB costs a round trip per 64 KiB of a PutRecords body. */
const windowBytes = 4 * 1024 * 1024;

/**
 * One port for HTTP/1.1 and for HTTP/2 without TLS. The SDK's default Kinesis client speaks the latter to an `http:`
 * endpoint, without asking; most others speak the former. The first three bytes of a connection tell.
 */
export async function listen(
  { host, port, clientTimeoutMs }: ListenOptions,
  onRequest: RequestListener,
): Promise<LoopbackServer> {
  const deadlines = new Deadlines(clientTimeoutMs);
  const turns = new Turns();
  // The body has a limit of its own in the face, so that the answer to a slow client is the service's.
  const http1 = createHttp1Server(
    {
      headersTimeout: Math.ceil(clientTimeoutMs),
      requestTimeout: 0,
      connectionsCheckingInterval: Math.ceil(clientTimeoutMs / 4),
    },
    (request, response) =>
      turns.take(() => {
        // Given up while it waited.
        if (!request.destroyed) onRequest(request, response, http1Connection(request, response, deadlines));
      }),
  );
  // An idle connection that closes just as the client sends is a failed call that AWS would not have caused.
  http1.keepAliveTimeout = 0;
  const http2 = createHttp2Server({ settings: { initialWindowSize: windowBytes } }, (request, response) =>
    turns.take(() => onRequest(request, response, http2Connection(request.stream, response, deadlines))),
  );
  http2.on('session', (session: ServerHttp2Session) => {
    session.setLocalWindowSize(windowBytes);
    void cutUnlessGreeted(session, deadlines);
  });

  const sockets = new Set<Socket>();
  const server = createSocketServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that goes away is no fault of ours, and 'close' follows.
    socket.on('error', () => undefined);
    socket.setTimeout(clientTimeoutMs, () => socket.destroy());
    sniff(socket, (isHttp2) => {
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      (isHttp2 ? http2 : http1).emit('connection', socket);
    });
  });
  await start(server, host, port);
  // It never listens itself, and looks for late headers only from then on.
  http1.emit('listening');
  let closing: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    get connectionCount() {
      return sockets.size;
    },
    close: () =>
      (closing ??= new Promise((resolve) => {
        deadlines.close();
        http1.close();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      })),
  };
}

function http1Connection(request: IncomingMessage, response: ServerResponse, deadlines: Deadlines): Connection {
  const { socket } = request;
  return {
    within: (promise) => deadlines.within(promise),
    reset: () => socket.resetAndDestroy(),
    end: () => socket.end(),
    refuse: async (body) => {
      // With the response, Node would end the connection, and a client that is still writing could lose the answer to that.
      // It knows by the content length when it has all of it.
      if (request.complete) response.end(body);
      else response.write(body);
      if ((await deadlines.within(closed(socket))) === undefined) socket.destroy();
    },
  };
}

function http2Connection(stream: ServerHttp2Stream, response: Http2ServerResponse, deadlines: Deadlines): Connection {
  return {
    within: (promise) => deadlines.within(promise),
    reset: () => stream.session?.destroy(),
    end: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    refuse: async (body) => {
      response.end(body);
      if ((await deadlines.within(closed(stream))) !== undefined) return;
      // The first asks a client that has all of the answer to stop sending. It would wait for one that takes nothing.
      stream.close(stream.writableFinished ? constants.NGHTTP2_NO_ERROR : constants.NGHTTP2_CANCEL);
    },
  };
}

/** What an HTTP/2 client says first, without being asked, are its settings. */
async function cutUnlessGreeted(session: ServerHttp2Session, deadlines: Deadlines): Promise<void> {
  const greeting = new Promise<object>((resolve) => session.once('remoteSettings', resolve));
  if ((await deadlines.within(Promise.race([greeting, closed(session)]))) === undefined) session.destroy();
}

function closed(open: EventEmitter): Promise<object> {
  return new Promise((resolve) => open.once('close', () => resolve({})));
}

function start(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Reads as much of a new connection as decides which protocol it speaks, and puts it back. */
function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, http2Preface.length);
    const isHttp2 = seen.compare(http2Preface, 0, compared, 0, compared) === 0;
    if (isHttp2 && compared < http2Preface.length) return;
    socket.off('data', onData);
    socket.pause();
    socket.unshift(seen);
    decide(isHttp2);
    // The HTTP/2 session takes what is buffered by itself.
    if (!isHttp2) socket.resume();
  };
  socket.on('data', onData);
}
