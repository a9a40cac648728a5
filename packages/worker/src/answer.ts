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
 * Memory to put answers together in that came in pieces, one after another: those of another request handler, those that are long, or short,
 * and those that did not say how long they are ({@link AnswerMemory} has the others). New memory for each of them would be most of all that is allocated outside of
 * V8's heap, for which V8 collects garbage as well.
 */
export class Assembly {
  #memory = Buffer.alloc(0);

  /** Valid as long as the pieces are, and until the next call: it may be one of them. */
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

/** Where the pieces of an answer are put together as they come. */
export interface PieceMemory {
  /** For an answer of so many bytes, or of more; `undefined`: its pieces are to be kept. */
  take(bytes: number): Buffer | undefined;
  /** Nobody looks at it any longer. What is not given back is garbage. */
  giveBack(memory: Buffer): void;
}

/** More than any answer has: 10 MB of data as base64. What a server only announces is not to cost more. */
const maxOwnBytes = 16 * 1024 * 1024;

/** For answers whose bytes are kept: each has its own, of its length. */
export const ownMemory: PieceMemory = {
  take: (bytes) => (bytes <= maxOwnBytes ? Buffer.allocUnsafeSlow(bytes) : undefined),
  giveBack: () => undefined,
};

/** Shorter answers would take the memory of longer ones, and are not worth any. */
const minPieceMemoryBytes = 64 * 1024;

/** So many are kept for the next answers, of up to 6 MB each: as many as were given back last. */
const maxFreeMemories = 4;

/**
 * Memory in which the pieces of an answer are put together as they come. Pieces that waited for the last one would be in V8's old generation by
 * then, and what they take outside of its heap makes V8 collect everything: with pages of 1 KB records 3.6 times a second, and 0.8 times
 * with this memory (measured).
 */
export class AnswerMemory implements PieceMemory {
  readonly #free: Buffer[] = [];

  /** Also `undefined` for an answer that is so long that its memory would not be kept for another one. */
  take(bytes: number): Buffer | undefined {
    if (!(bytes >= minPieceMemoryBytes && bytes <= maxAssemblyBytes)) return undefined;
    const index = this.#free.findLastIndex(({ length }) => length >= bytes);
    const [memory] = index < 0 ? [] : this.#free.splice(index, 1);
    // Somewhat more, as the next answer may be longer.
    return memory ?? Buffer.allocUnsafeSlow(Math.min(maxAssemblyBytes, Math.ceil(bytes * 1.25)));
  }

  giveBack(memory: Buffer): void {
    if (this.#free.length === maxFreeMemories) this.#free.shift();
    this.#free.push(memory);
  }
}

function bufferOn({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
