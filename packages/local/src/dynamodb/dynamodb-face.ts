import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { Clock } from '@millrace/core';
import { readBody, type RequestListener, type ServerRequest, type ServerResponse } from '../http/http-message';

interface DynaliteOptions {
  readonly createTableMs: number;
  readonly deleteTableMs: number;
  readonly updateTableMs: number;
}

// dynalite has no type declarations.
const createDynalite = createRequire(__filename)('dynalite') as (options: DynaliteOptions) => Server;

/** The largest request of DynamoDB, a BatchWriteItem. */
const maxBodyBytes = 16 * 1024 * 1024;

/**
 * Serves DynamoDB tables, in memory, through dynalite. Its own server never listens: it would end the process when a
 * client goes away in the middle of a body (it throws in its 'error' listener). So each body is read here, and dynalite
 * only gets to see requests that are complete. What it keeps is memory; there is nothing to close.
 */
export function dynamodbFace(clock: Clock): RequestListener {
  const dynalite = createDynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  return (request, response) => {
    void answer(dynalite, clock, request, response).catch(() => {
      // Only writing can fail here, because the client has gone away.
      request.destroy();
    });
  };
}

async function answer(dynalite: Server, clock: Clock, request: ServerRequest, response: ServerResponse): Promise<void> {
  const body = await readBody(request, maxBodyBytes);
  if (body.kind === 'aborted') return;
  response.setHeader('date', new Date(clock.wallTime()).toUTCString());
  if (body.kind === 'too-large') {
    if (request.httpVersionMajor === 1) response.setHeader('connection', 'close');
    refuse(response, 413, 'RequestEntityTooLargeException', `the body is larger than ${maxBodyBytes} bytes`);
    return;
  }
  try {
    handOver(dynalite, request, body.bytes, response);
  } catch (error) {
    // dynalite throws what it did not expect.
    if (!response.headersSent) refuse(response, 500, 'InternalServerError', `a fault of dynalite: ${String(error)}`);
  }
}

/** Plays the request to dynalite, all in this turn, so that what it throws arrives here. */
function handOver(dynalite: Server, request: ServerRequest, body: Buffer, response: ServerResponse): void {
  const replayed = new EventEmitter();
  const { method, url, headers } = request;
  dynalite.emit('request', Object.assign(replayed, { method, url, headers }), response);
  if (body.length > 0) replayed.emit('data', body);
  replayed.emit('end');
}

function refuse(response: ServerResponse, statusCode: number, name: string, message: string): void {
  response.statusCode = statusCode;
  response.setHeader('content-type', 'application/x-amz-json-1.0');
  response.end(JSON.stringify({ __type: `com.amazon.coral.service#${name}`, message }));
}
