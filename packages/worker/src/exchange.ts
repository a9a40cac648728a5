import { Readable } from 'node:stream';
import { nativeSignal } from '@millrace/core';
import { cutOff, tooLong, type AnswerLimits, type MakeAnswer } from './answer';
import { HttpHandler } from './http-handler';
import type { HttpRequest, HttpResponse } from './wire-types';

/** What is used of the SDK's request handlers. */
export interface RequestHandler {
  handle(
    request: HttpRequest,
    options: { readonly abortSignal?: AbortSignal | undefined },
  ): Promise<{ readonly response: HttpResponse }>;
}

/** Sends a call, and resolves with what `make` makes of the answer, or rejects with what it throws. A part of an answer is never taken for one. */
export async function exchange<T>(
  handler: RequestHandler,
  request: HttpRequest,
  limits: AnswerLimits,
  make: MakeAnswer<T>,
): Promise<T> {
  if (handler instanceof HttpHandler) return handler.exchange(request, limits, make);
  const { abortSignal } = limits;
  const { response } = await handler.handle(request, { abortSignal: abortSignal && nativeSignal(abortSignal) });
  const body = response.body ?? undefined;
  if (body === undefined) return make(response, [], 0);
  if (body instanceof Uint8Array) return make(response, [body], body.length);
  const stream = body instanceof Readable ? body : Readable.fromWeb(body instanceof Blob ? body.stream() : body);
  return readStream(stream, limits, (chunks, length) => make(response, chunks, length));
}

function readStream<T>(
  stream: Readable,
  { abortSignal, maxBytes }: AnswerLimits,
  make: (chunks: readonly Uint8Array[], length: number) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    // Nothing more is heard of such a stream, whatever is done to it.
    if (stream.destroyed || stream.readableEnded) throw cutOff();
    const onAbort = (): void => void stream.destroy(abortSignal?.reason);
    if (abortSignal?.aborted === true) onAbort();
    abortSignal?.addEventListener('abort', onAbort, { once: true });
    stream.on('data', (chunk: Uint8Array | string) => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      chunks.push(bytes);
      length += bytes.length;
      if (length > maxBytes) stream.destroy(tooLong(maxBytes));
    });
    stream.once('end', () => {
      try {
        resolve(make(chunks, length));
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
      // The stream may outlive the answer.
      chunks.length = 0;
    });
    stream.once('error', reject);
    // After the end this changes nothing.
    stream.once('close', () => {
      abortSignal?.removeEventListener('abort', onAbort);
      reject(cutOff());
    });
  });
}
