import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A port that takes the connection but never answers is another protocol's. */
const answerLimitMs = 1_000;
const pauseMs = 2;

/**
 * Asks for the list of streams until one of the ports answers, and says which one. By hand, on a bare socket: an HTTP client
 * would have to be loaded and warmed up first, and that would count as the server's time.
 */
export async function firstAnswer(ports: readonly number[]): Promise<number> {
  while (true) {
    for (const port of ports) if (await answers(port)) return port;
    await sleep(pauseMs);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const settle = (hasAnswered: boolean): void => {
      socket.destroy();
      resolve(hasAnswered);
    };
    socket.setTimeout(answerLimitMs, () => settle(false));
    socket.on('connect', () => socket.write(listStreams(port)));
    socket.on('data', (chunk: Buffer) => settle(chunk.toString('latin1').startsWith('HTTP/1.1 200')));
    // Not there yet, or not HTTP.
    socket.on('error', () => settle(false));
    socket.on('close', () => settle(false));
  });
}

function listStreams(port: number): string {
  return [
    'POST / HTTP/1.1',
    `host: 127.0.0.1:${port}`,
    'x-amz-target: Kinesis_20131202.ListStreams',
    'x-amz-date: 20260101T000000Z',
    'authorization: AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0',
    'content-type: application/x-amz-json-1.1',
    'content-length: 2',
    '',
    '{}',
  ].join('\r\n');
}
