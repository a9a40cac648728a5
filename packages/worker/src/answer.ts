import type { AbortSignalLike } from '@millrace/core';
import type { ResponseHead } from './wire-types';

/** A reply that is longer is no answer of Kinesis (10 MB of data) or DynamoDB (1 MB of items). */
export const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export interface AnswerLimits {
  readonly abortSignal: AbortSignalLike | undefined;
  /** A longer answer is refused, and its connection closed. */
  readonly maxBytes: number;
}

/** What is made of a whole answer: of its bytes nothing may be kept. */
export type MakeAnswer<T> = (head: ResponseHead, chunks: readonly Uint8Array[], length: number) => T;

export function tooLong(maxBytes: number): Error {
  return new Error(`the answer is longer than ${String(maxBytes)} bytes`);
}

/** A part of an answer came, and no more will. */
export function cutOff(cause?: Error): Error {
  return Object.assign(new Error('the answer was cut off', { cause }), { code: 'ECONNRESET' });
}

/** Longer answers are put together in memory of their own. With 2 MB of data, what a shard gives in a second, none is longer. */
const maxAssemblyBytes = 6 * 1024 * 1024;

/**
 * Memory to put answers together in, one after another. New memory for each of them would be most of all that is allocated outside of
 * V8's heap, for which V8 collects garbage as well.
 */
export class Assembly {
  #memory = Buffer.alloc(0);

  /** Valid until the next call; it may be a piece of the stream. */
  together(chunks: readonly Uint8Array[], length: number): Buffer {
    const [first] = chunks;
    if (first?.length === length) return bufferOn(first);
    if (length > maxAssemblyBytes) return Buffer.concat(chunks, length);
    if (length > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(Math.min(maxAssemblyBytes, 2 * length));
    let at = 0;
    for (const chunk of chunks) {
      this.#memory.set(chunk, at);
      at += chunk.length;
    }
    return this.#memory.subarray(0, length);
  }
}

function bufferOn({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
