import { markAsUntransferable } from 'node:worker_threads';

/** So much memory is shared by the data of records at the most: whoever keeps one record keeps no more than that. */
const chunkBytes = 16 * 1024;
/** Longer data have memory of their own. */
const maxSharingBytes = chunkBytes / 4;
/** More signs of base64 than that are decoded faster by Node.js, from a string. */
const maxSignsByHand = 600;

/** Of ASCII. */
const equalsSign = 0x3d;

const notBase64 = 0xff;
const sixBitsOf = new Uint8Array(0x100).fill(notBase64);
for (const [value, sign] of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/').entries()) {
  sixBitsOf[sign] = value;
}

/** Decodes the data of many records into memory that they share: a buffer for each costs as much again as decoding. */
export class DataMemory {
  #buffer = Buffer.alloc(0);
  #used = 0;

  /** `undefined` if these bytes are not base64, padded. */
  decoded(bytes: Buffer, begin: number, end: number): Uint8Array | undefined {
    const signs = end - begin;
    const padding = bytes[end - 1] !== equalsSign ? 0 : bytes[end - 2] !== equalsSign ? 1 : 2;
    const length = (signs / 4) * 3 - padding;
    if (signs % 4 !== 0 || length < 0) return undefined;
    if (length > maxSharingBytes) {
      const own = Buffer.allocUnsafeSlow(length);
      return decodeLong(bytes, begin, end, own, 0) === length ? new Uint8Array(own.buffer) : undefined;
    }
    if (this.#used + length > this.#buffer.length) {
      // No more than can come of what is left.
      this.#buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, bytes.length - begin));
      this.#used = 0;
      // Whoever hands one record's data to another thread must not take the others' with it.
      markAsUntransferable(this.#buffer.buffer);
    }
    const at = this.#used;
    const isDecoded =
      signs > maxSignsByHand
        ? decodeLong(bytes, begin, end, this.#buffer, at) === length
        : decodeShort(bytes, begin, end - padding, this.#buffer, at);
    if (!isDecoded) return undefined;
    // To the next multiple of 8, as Node.js does: whoever looks at them as numbers of eight bytes finds them where such must be.
    this.#used = Math.ceil((at + length) / 8) * 8;
    return new Uint8Array(this.#buffer.buffer, at, length);
  }
}

/** Returns how many bytes came of it: fewer if some signs were none of base64. */
function decodeLong(bytes: Buffer, begin: number, end: number, into: Buffer, at: number): number {
  return into.write(bytes.toString('latin1', begin, end), at, 'base64');
}

/** Returns whether all signs are of base64: what is not shows in the bits that all of them have. */
function decodeShort(bytes: Uint8Array, begin: number, end: number, into: Uint8Array, at: number): boolean {
  let seen = 0;
  let from = begin;
  let to = at;
  for (; from + 4 <= end; from += 4, to += 3) {
    const first = sixBits(bytes, from);
    const second = sixBits(bytes, from + 1);
    const third = sixBits(bytes, from + 2);
    const fourth = sixBits(bytes, from + 3);
    seen |= first | second | third | fourth;
    into[to] = (first << 2) | (second >> 4);
    into[to + 1] = (second << 4) | (third >> 2);
    into[to + 2] = (third << 6) | fourth;
  }
  if (end - from >= 2) {
    const first = sixBits(bytes, from);
    const second = sixBits(bytes, from + 1);
    seen |= first | second;
    into[to] = (first << 2) | (second >> 4);
    if (end - from === 3) {
      const third = sixBits(bytes, from + 2);
      seen |= third;
      into[to + 1] = (second << 4) | (third >> 2);
    }
  }
  return seen < 0x40;
}

function sixBits(bytes: Uint8Array, at: number): number {
  return sixBitsOf[bytes[at] ?? 0] ?? notBase64;
}
