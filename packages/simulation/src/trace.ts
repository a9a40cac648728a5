/** What happened at one moment. */
interface TraceLine {
  readonly order: number;
  readonly atMs: number;
  readonly leaseKey: string | undefined;
  readonly text: () => string;
}

/** So many of the last lines are shown of a failure. */
const shown = 60;

/**
 * What happened, newest last, to be read by people; and a hash of all of it, by which two runs are found to be the same.
 * Texts are made only when somebody reads them.
 */
export class Trace {
  /** The last ones about each lease, and about what concerns all of them: of each as many as may be shown. */
  readonly #lines = new Map<string | undefined, TraceLine[]>();
  #order = 0;
  #hash = 0x811c9dc5;

  /** @param onLine gets every line as it comes */
  constructor(private readonly onLine?: (line: string) => void) {}

  /** @param mark anything in which two different runs would differ */
  add(atMs: number, leaseKey: string | undefined, mark: string, text: () => string): void {
    this.#mix(`${Math.round(atMs * 1_000)} ${leaseKey ?? ''} ${mark}`);
    const line = { order: this.#order++, atMs, leaseKey, text };
    const lines = this.#lines.get(leaseKey);
    if (lines === undefined) this.#lines.set(leaseKey, [line]);
    else if (lines.push(line) === 2 * shown) lines.splice(0, shown);
    this.onLine?.(format(line));
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** The last lines about a lease, and about everything that concerns all of them. */
  lastLines(leaseKey: string | undefined): readonly string[] {
    const asked = leaseKey === undefined ? [...this.#lines.keys()] : [leaseKey, undefined];
    return asked
      .flatMap((key) => this.#lines.get(key) ?? [])
      .sort((a, b) => a.order - b.order)
      .slice(-shown)
      .map(format);
  }

  #mix(text: string): void {
    let hash = this.#hash;
    for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    this.#hash = hash;
  }
}

function format({ atMs, leaseKey, text }: TraceLine): string {
  const seconds = (atMs / 1_000).toFixed(3).padStart(9);
  return `${seconds} s  ${(leaseKey ?? '-').replace(/^shardId-0{6}/, 'shard ').padEnd(13)} ${text()}`;
}
