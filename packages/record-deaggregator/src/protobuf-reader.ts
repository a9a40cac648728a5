/** The bytes are not a protocol buffer message, or not one that may be read. Never leaves this package. */
export class MalformedProtobufError extends Error {}

/** How a field's value is written. 3 and 4, the groups, are long deprecated and are not read. */
export const WIRE_TYPE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/** From where to where in the buffer, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Walks the fields of one message. Reads nothing outside its span whatever lengths the bytes claim, and throws
 * {@link MalformedProtobufError} where they cannot be right.
 */
export class ProtobufReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  /** Of the field that {@link ProtobufReader.next} came to. */
  field = 0;
  /** Of the field that {@link ProtobufReader.next} came to. */
  wireType = 0;

  constructor(bytes: Uint8Array, { start, end }: Span) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Goes to the next field, whose value must then be read or skipped; false at the end of the message. */
  next(): boolean {
    if (this.#at === this.#end) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag % 8;
    if (this.field === 0 || tag > 0xffff_ffff) throw new MalformedProtobufError('field number out of range');
    return true;
  }

  /** Whether the current field is `field`, written as `wireType`. Written otherwise it counts as unknown, as in Java. */
  is(field: number, wireType: number): boolean {
    return this.field === field && this.wireType === wireType;
  }

  /** An unsigned integer up to 2^53-1; greater ones are refused, since a number would not hold them exactly. */
  varint(): number {
    let value = 0;
    let unit = 1;
    for (let length = 0; length < 10; length++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw new MalformedProtobufError('integer above 2^53-1');
        return value;
      }
      unit *= 128;
    }
    throw new MalformedProtobufError('integer of more than ten bytes');
  }

  /** Where the bytes of a length-delimited field are. */
  span(): Span {
    const length = this.varint();
    const start = this.#at;
    this.#advance(length);
    return { start, end: this.#at };
  }

  /** Passes over the value of the current field. */
  skip(): void {
    switch (this.wireType) {
      case WIRE_TYPE.varint:
        this.#skipVarint();
        return;
      case WIRE_TYPE.fixed64:
        this.#advance(8);
        return;
      case WIRE_TYPE.lengthDelimited:
        this.span();
        return;
      case WIRE_TYPE.fixed32:
        this.#advance(4);
        return;
      default:
        throw new MalformedProtobufError('a group or an unknown wire type');
    }
  }

  /** Unlike {@link ProtobufReader.varint} of any value: an unknown field may hold a negative number. */
  #skipVarint(): void {
    for (let length = 0; length < 10; length++) {
      if (this.#byte() < 0x80) return;
    }
    throw new MalformedProtobufError('integer of more than ten bytes');
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined;
    if (byte === undefined) throw new MalformedProtobufError('the message is cut short');
    this.#at++;
    return byte;
  }

  #advance(length: number): void {
    if (length > this.#end - this.#at) throw new MalformedProtobufError('a length reaches past the end');
    this.#at += length;
  }
}
