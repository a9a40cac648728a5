import { randomUUID } from 'node:crypto';
import type { KinesisEngine } from '../kinesis/engine';
import { KinesisServiceError } from '../kinesis/service-error';
import { readBody, type RequestListener, type ServerRequest, type ServerResponse } from './http-message';

/** 12 MiB of blobs in base64, and the JSON around them. */
const maxBodyBytes = (12 * 1024 * 1024 * 4) / 3 + 1024 * 1024;

const targetPrefix = 'Kinesis_20131202.';

interface Reply {
  readonly statusCode: number;
  readonly body: object;
}

/** Serves the engine by the JSON 1.1 protocol of AWS. Signatures are not looked at: any credentials will do. */
export function kinesisFace(engine: KinesisEngine): RequestListener {
  return (request, response) => {
    void answer(engine, request, response).catch(() => {
      // Only writing can fail here, because the client has gone away.
      request.destroy();
    });
  };
}

async function answer(engine: KinesisEngine, request: ServerRequest, response: ServerResponse): Promise<void> {
  const body = await readBody(request, maxBodyBytes);
  if (body.kind === 'aborted') return;
  const reply = body.kind === 'too-large' ? tooLarge() : perform(engine, request, body.bytes);
  const text = JSON.stringify(reply.body);
  response.statusCode = reply.statusCode;
  response.setHeader('content-type', 'application/x-amz-json-1.1');
  response.setHeader('content-length', Buffer.byteLength(text));
  response.setHeader('x-amzn-requestid', randomUUID());
  response.setHeader('date', new Date(engine.wallTime()).toUTCString());
  if (body.kind === 'too-large' && request.httpVersionMajor === 1) response.setHeader('connection', 'close');
  response.end(text);
}

function perform(engine: KinesisEngine, request: ServerRequest, body: Buffer): Reply {
  try {
    const target = request.headers['x-amz-target'];
    if (request.method !== 'POST' || typeof target !== 'string' || !target.startsWith(targetPrefix)) {
      throw new KinesisServiceError('UnknownOperationException', 'not a POST with an X-Amz-Target of Kinesis_20131202');
    }
    return { statusCode: 200, body: engine.dispatch(target.slice(targetPrefix.length), parse(body)) };
  } catch (error) {
    return failure(error);
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new KinesisServiceError('SerializationException', `the body is not JSON: ${String(error)}`);
  }
}

function failure(error: unknown): Reply {
  const known =
    error instanceof KinesisServiceError
      ? error
      : new KinesisServiceError('InternalFailure', `a fault of the local Kinesis: ${String(error)}`);
  return { statusCode: known.statusCode, body: { __type: known.name, message: known.message } };
}

function tooLarge(): Reply {
  return failure(
    new KinesisServiceError('RequestEntityTooLargeException', `the body is larger than ${maxBodyBytes} bytes`),
  );
}
