import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { signatureOf } from '../../../local/src/service/signature-v4';

/** A request as it arrived. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface RecordingServer {
  readonly endpoint: string;
  readonly received: Received[];
  readonly sockets: Set<Socket>;
  close(): Promise<void>;
}

/** An HTTP/1.1 server on loopback that keeps what it is sent; `answer` gets the request's number, from 0. */
export async function recordingServer(
  answer: (response: ServerResponse, call: number, received: Received) => void,
): Promise<RecordingServer> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const call = { method, path: url, headers, body };
      received.push(call);
      answer(response, received.length - 1, call);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Only the SDK numbers its calls. */
export function wentThroughSdk({ headers }: Pick<Received, 'headers'>): boolean {
  return headers['amz-sdk-invocation-id'] !== undefined;
}

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The Authorization that AWS would expect of this request, from its description and nothing else. */
export function expectedAuthorization(
  { method, path, headers, body }: Received,
  { accessKeyId, secretAccessKey }: Keys,
  region: string,
  service: string,
): string {
  const signedHeaders = /SignedHeaders=([^,]*)/.exec(headers.authorization ?? '')?.[1] ?? '';
  const scope = `${String(headers['x-amz-date']).slice(0, 8)}/${region}/${service}/aws4_request`;
  const single = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  const request = { method, path, headers: single, body: Buffer.from(body) };
  const signature = signatureOf(request, { scope, signedHeaders: signedHeaders.split(';') }, secretAccessKey);
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}
