import { KinesisServiceError } from './service-error';

interface TextRule {
  readonly minLength?: number;
  readonly maxLength: number;
  readonly pattern?: RegExp;
}

interface NumberRule {
  readonly min: number;
  readonly max: number;
}

interface TextMapRule {
  readonly minEntries: number;
  readonly maxEntries: number;
  readonly key: TextRule;
  readonly value: TextRule;
}

const namePattern = /^[a-zA-Z0-9_.-]+$/;
export const streamNameRule: TextRule = { minLength: 1, maxLength: 128, pattern: namePattern };
export const shardIdRule: TextRule = { minLength: 1, maxLength: 128, pattern: namePattern };

/**
 * The JSON of one request, read member by member. A wrong JSON type is a SerializationException and a value out of
 * bounds a ValidationException, with the wording of AWS. `null` is the same as absent.
 */
export class Input {
  readonly #members: Readonly<Record<string, unknown>>;

  /** Called for messages only: most inputs are right, and there are many in one request. */
  readonly #path: () => string;

  private constructor(members: object, path: () => string) {
    this.#members = members as Record<string, unknown>;
    this.#path = path;
  }

  static of(value: unknown, path: () => string = () => ''): Input {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrongType(path() === '' ? 'the request' : path(), 'a structure');
    }
    return new Input(value, path);
  }

  has(member: string): boolean {
    return this.#get(member) !== undefined;
  }

  optionalText(member: string, rule: TextRule): string | undefined {
    const value = this.#get(member);
    if (value === undefined) return undefined;
    return checkedText(value, rule, () => this.#name(member));
  }

  text(member: string, rule: TextRule): string {
    return this.optionalText(member, rule) ?? this.#missing(member);
  }

  optionalOneOf<T extends string>(member: string, values: readonly T[]): T | undefined {
    const text = this.optionalText(member, { maxLength: 1024 });
    if (text === undefined) return undefined;
    const found = values.find((value) => value === text);
    if (found === undefined) {
      throw invalid(this.#name(member), text, `Member must satisfy enum value set: [${values.join(', ')}]`);
    }
    return found;
  }

  oneOf<T extends string>(member: string, values: readonly T[]): T {
    return this.optionalOneOf(member, values) ?? this.#missing(member);
  }

  optionalInteger(member: string, { min, max }: NumberRule): number | undefined {
    const value = this.#get(member);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(this.#name(member), 'an integer');
    if (value < min) throw this.#outOfBounds(member, value, `value greater than or equal to ${min}`);
    if (value > max) throw this.#outOfBounds(member, value, `value less than or equal to ${max}`);
    return value;
  }

  integer(member: string, rule: NumberRule): number {
    return this.optionalInteger(member, rule) ?? this.#missing(member);
  }

  optionalBoolean(member: string): boolean | undefined {
    const value = this.#get(member);
    if (value === undefined) return undefined;
    if (typeof value !== 'boolean') throw wrongType(this.#name(member), 'a boolean');
    return value;
  }

  /** Milliseconds since the epoch, of a timestamp in (fractional) seconds. */
  optionalTimestampMs(member: string): number | undefined {
    const value = this.#get(member);
    if (value === undefined) return undefined;
    // 8.64e12 s is the end of what a Date can hold.
    if (typeof value !== 'number' || !(Math.abs(value) <= 8.64e12)) throw wrongType(this.#name(member), 'a timestamp');
    return Math.round(value * 1000);
  }

  /** A blob, left in base64: decoding and encoding it again would cost more than all the rest. */
  blob(member: string): Blob64 {
    const value = this.#get(member) ?? this.#missing(member);
    if (typeof value !== 'string') throw wrongType(this.#name(member), 'a blob');
    const bytes = (value.length / 4) * 3 - paddingOf(value);
    if (!isBase64(value, bytes)) throw wrongType(this.#name(member), 'base64');
    return { base64: value, bytes };
  }

  optionalStructure(member: string): Input | undefined {
    const value = this.#get(member);
    return value === undefined ? undefined : Input.of(value, () => this.#name(member));
  }

  structure(member: string): Input {
    return this.optionalStructure(member) ?? this.#missing(member);
  }

  structures(member: string, bounds: NumberRule): readonly Input[] {
    return this.#list(member, bounds).map((item, index) => Input.of(item, () => this.#itemName(member, index)));
  }

  texts(member: string, bounds: NumberRule, rule: TextRule): readonly string[] {
    return this.#list(member, bounds).map((item, index) =>
      checkedText(item, rule, () => this.#itemName(member, index)),
    );
  }

  optionalTextMap(member: string, rules: TextMapRule): ReadonlyMap<string, string> | undefined {
    const map = this.#get(member);
    if (map === undefined) return undefined;
    const name = this.#name(member);
    if (typeof map !== 'object' || map === null || Array.isArray(map)) throw wrongType(name, 'a map');
    const entries = Object.entries(map);
    if (entries.length < rules.minEntries) {
      throw this.#outOfBounds(member, '{}', `length greater than or equal to ${rules.minEntries}`);
    }
    if (entries.length > rules.maxEntries) {
      throw this.#outOfBounds(member, '{…}', `length less than or equal to ${rules.maxEntries}`);
    }
    return new Map(
      entries.map(([key, value]) => [
        checkedText(key, rules.key, () => `${name}.key`),
        checkedText(value ?? '', rules.value, () => `${name}.${key}.member`),
      ]),
    );
  }

  textMap(member: string, rules: TextMapRule): ReadonlyMap<string, string> {
    return this.optionalTextMap(member, rules) ?? this.#missing(member);
  }

  /** The error for a blob that is larger than what is allowed, where that is not known when it is read. */
  blobTooLarge(member: string, { bytes }: Blob64, maxBytes: number): KinesisServiceError {
    return this.#outOfBounds(member, `a blob of ${bytes} bytes`, `length less than or equal to ${maxBytes}`);
  }

  #list(member: string, { min, max }: NumberRule): readonly unknown[] {
    const value = this.#get(member) ?? this.#missing(member);
    if (!Array.isArray(value)) throw wrongType(this.#name(member), 'a list');
    if (value.length < min) throw this.#outOfBounds(member, '[…]', `length greater than or equal to ${min}`);
    if (value.length > max) throw this.#outOfBounds(member, '[…]', `length less than or equal to ${max}`);
    return value;
  }

  #itemName(member: string, index: number): string {
    return `${this.#name(member)}.${index + 1}.member`;
  }

  #get(member: string): unknown {
    return this.#members[member] ?? undefined;
  }

  #name(member: string): string {
    const camelCase = member.startsWith('StreamARN') ? 'streamARN' : member.charAt(0).toLowerCase() + member.slice(1);
    const path = this.#path();
    return path === '' ? camelCase : `${path}.${camelCase}`;
  }

  #outOfBounds(member: string, value: string | number, rule: string): KinesisServiceError {
    return invalid(this.#name(member), value, `Member must have ${rule}`);
  }

  #missing(member: string): never {
    throw new KinesisServiceError(
      'ValidationException',
      `1 validation error detected: Value null at '${this.#name(member)}' failed to satisfy constraint: ` +
        'Member must not be null',
    );
  }
}

export interface Blob64 {
  readonly base64: string;
  /** Length once decoded. */
  readonly bytes: number;
}

/** Decoding is faster than a regular expression: it ends early at what isn't base64. It also takes the alphabet for URLs. */
function isBase64(text: string, bytes: number): boolean {
  return (
    text.length % 4 === 0 && Buffer.from(text, 'base64').length === bytes && !text.includes('-') && !text.includes('_')
  );
}

function checkedText(value: unknown, rule: TextRule, name: () => string): string {
  if (typeof value !== 'string') throw wrongType(name(), 'a string');
  const minLength = rule.minLength ?? 0;
  if (value.length < minLength) {
    throw invalid(name(), value, `Member must have length greater than or equal to ${minLength}`);
  }
  if (value.length > rule.maxLength) {
    throw invalid(name(), value, `Member must have length less than or equal to ${rule.maxLength}`);
  }
  if (rule.pattern !== undefined && !rule.pattern.test(value)) {
    throw invalid(name(), value, `Member must satisfy regular expression pattern: ${rule.pattern.source}`);
  }
  return value;
}

function paddingOf(base64: string): number {
  return base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
}

function wrongType(name: string, expected: string): KinesisServiceError {
  return new KinesisServiceError('SerializationException', `${name} is not ${expected}`);
}

function invalid(name: string, value: string | number, constraint: string): KinesisServiceError {
  const shown = String(value).slice(0, 256);
  return new KinesisServiceError(
    'ValidationException',
    `1 validation error detected: Value '${shown}' at '${name}' failed to satisfy constraint: ${constraint}`,
  );
}
