/** What happened at one moment. */
interface TraceLine {
  readonly atMs: number;
  readonly leaseKey: string | undefined;
  readonly text: () => string;
}

/** So many of the last lines are kept for a failure. */
const kept = 1_000;
/** So many of them are shown. */
const shown = 60;

/**
 * What happened, newest last, to be read by people; and a hash of all of it, by which two runs are found to be the same.
 * Texts are made only when somebody reads them.
 */
export class Trace {
  readonly #lines: TraceLine[] = [];
  #next = 0;
  #hash = 0x811c9dc5;

  /** @param onLine gets every line as it comes */
  constructor(private readonly onLine?: (line: string) => void) {}

  /** @param mark anything in which two different runs would differ */
  add(atMs: number, leaseKey: string | undefined, mark: string, text: () => string): void {
    this.#mix(`${Math.round(atMs * 1_000)} ${leaseKey ?? ''} ${mark}`);
    const line = { atMs, leaseKey, text };
    this.#lines[this.#next++ % kept] = line;
    this.onLine?.(format(line));
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** The last lines about a lease, and about everything that concerns all of them. */
  lastLines(leaseKey: string | undefined): readonly string[] {
    const start = this.#next % kept;
    const inOrder = [...this.#lines.slice(start), ...this.#lines.slice(0, start)];
    return inOrder
      .filter((line) => leaseKey === undefined || line.leaseKey === undefined || line.leaseKey === leaseKey)
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
