/** The length of a list, a map, a text or bytes that a break ends instead. */
const indefinite = 31;
const breakByte = 0xff;

/** No input of Kinesis is deeper than a handful. */
const maxDepth = 64;

/**
 * The one CBOR item that a body is, in the form of JSON: bytes as base64, tags left out, integers beyond 2^53 rounded. It
 * is made for bodies from anybody: what it takes is in proportion to the body, and it says nothing but what it throws.
 * (`@smithy/core/cbor` prints a stack trace when it meets a length beyond 2^53, and makes 256 MB of a decimal of seven bytes.)
 *
 * @throws Error if the body is something else
 */
export function readCbor(body: Uint8Array): unknown {
  const reader = new CborReader(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
  const item = reader.item(0);
  if (!reader.isAtEnd) throw new Error('something follows the item');
  return item;
}

class CborReader {
  #at = 0;

  constructor(private readonly body: Buffer) {}

  get isAtEnd(): boolean {
    return this.#at === this.body.length;
  }

  item(depth: number): unknown {
    if (depth > maxDepth) throw new Error(`items are nested more than ${maxDepth} deep`);
    const { major, minor } = this.#head();
    switch (major) {
      case 0:
        return this.#argument(minor);
      case 1:
        return -1 - this.#argument(minor);
      case 2:
        return this.#string(major, minor).toString('base64');
      case 3:
        return this.#string(major, minor).toString('utf8');
      case 4:
        return this.#repeat(minor, () => this.item(depth + 1));
      case 5:
        // Of entries, so that no name means anything to JavaScript.
        return Object.fromEntries(this.#repeat(minor, () => [this.#name(), this.item(depth + 1)] as const));
      case 6:
        this.#argument(minor);
        return this.item(depth + 1);
      default:
        return this.#simple(minor);
    }
  }

  #head(): { readonly major: number; readonly minor: number } {
    const byte = this.body[this.#at];
    if (byte === undefined) throw new Error('the body ends where an item should begin');
    this.#at++;
    return { major: byte >>> 5, minor: byte & 31 };
  }

  #take(length: number): Buffer {
    const from = this.#at;
    if (length > this.body.length - from) throw new Error(`${length} bytes at ${from} are more than there are`);
    this.#at += length;
    return this.body.subarray(from, this.#at);
  }

  /** An integer, a length or a tag. */
  #argument(minor: number): number {
    if (minor < 24) return minor;
    if (minor === 27) return Number(this.#take(8).readBigUInt64BE());
    if (minor > 27) throw new Error(`no number has the form ${minor}`);
    const length = 1 << (minor - 24);
    return this.#take(length).readUIntBE(0, length);
  }

  #repeat<T>(minor: number, read: () => T): readonly T[] {
    const all: T[] = [];
    if (minor === indefinite) {
      while (!this.#takeBreak()) all.push(read());
    } else {
      // Each takes a byte at least, so that a count beyond the body's end ends there.
      for (let left = this.#argument(minor); left > 0; left--) all.push(read());
    }
    return all;
  }

  #takeBreak(): boolean {
    if (this.body[this.#at] !== breakByte) return false;
    this.#at++;
    return true;
  }

  /** The content of a text or of bytes, which may come in pieces of its kind. */
  #string(major: number, minor: number): Buffer {
    if (minor !== indefinite) return this.#take(this.#argument(minor));
    return Buffer.concat(
      this.#repeat(minor, () => {
        const piece = this.#head();
        if (piece.major !== major || piece.minor === indefinite) throw new Error('a piece is of another kind');
        return this.#take(this.#argument(piece.minor));
      }),
    );
  }

  #name(): string {
    const { major, minor } = this.#head();
    if (major !== 3) throw new Error('the name of a member must be a text');
    return this.#string(major, minor).toString('utf8');
  }

  #simple(minor: number): unknown {
    switch (minor) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
      case 23:
        return null;
      case 25:
        return halfPrecision(this.#take(2).readUInt16BE());
      case 26:
        return this.#take(4).readFloatBE();
      case 27:
        return this.#take(8).readDoubleBE();
      default:
        throw new Error(`no simple value has the form ${minor}`);
    }
  }
}

/** By RFC 8949, appendix D. */
function halfPrecision(bits: number): number {
  const exponent = (bits >>> 10) & 31;
  const mantissa = bits & 1023;
  const size =
    exponent === 0 ? mantissa * 2 ** -24 : exponent < 31 ? (mantissa + 1024) * 2 ** (exponent - 25) : Infinity;
  if (size === Infinity && mantissa !== 0) return NaN;
  return bits < 0x8000 ? size : -size;
}
