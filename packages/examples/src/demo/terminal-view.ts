import type { ShardView } from './lease-view';
import type { WorkerProcess } from './worker-processes';

/** The demo at one moment. */
export interface Scene {
  readonly seconds: number;
  readonly produced: number;
  readonly total: number;
  readonly delivered: number;
  /** Deliveries of a flight beyond the first. */
  readonly duplicates: number;
  readonly shards: readonly (ShardView & {
    /** Flights that were delivered from it, each counted where it was first. */
    readonly flights: number;
  })[];
  readonly workers: readonly WorkerProcess[];
}

export interface View {
  show(scene: Scene): void;
  happened(seconds: number, what: string): void;
  /** Nothing is drawn over what is written after this. */
  end(): void;
}

const statusIntervalS = 2;
const maxHappenings = 8;
/** Of a terminal that does not say. */
const [defaultWidth, defaultHeight] = [80, 24];

/** A line for each happening, and one for the state of things now and then. For logs and pipes. */
export class PlainView implements View {
  readonly #write: (line: string) => void;
  #nextStatusS = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  show(scene: Scene): void {
    if (scene.seconds < this.#nextStatusS) return;
    this.#nextStatusS = scene.seconds + statusIntervalS;
    const { shards, workers } = scene;
    const lag = shards.reduce((sum, shard) => sum + shard.lag, 0);
    const states = (['open', 'closed', 'finished'] as const)
      .map((state) => ({ state, count: shards.filter((shard) => shard.state === state).length }))
      .filter(({ count }) => count > 0)
      .map(({ state, count }) => `${count} ${state}`);
    const running = workers.filter(({ state }) => state === 'running').map(({ name }) => name);
    this.#write(
      `${time(scene.seconds)}    ${percent(scene)} in the stream, ${scene.delivered} delivered, lag ${lag} records; ` +
        `shards: ${states.join(', ')}; workers: ${running.join(' ') || 'none'}`,
    );
  }

  happened(seconds: number, what: string): void {
    this.#write(`${time(seconds)}  ${what}`);
  }

  end(): void {
    // What was written stays.
  }
}

/** The part of a terminal's output stream that is used. */
export interface Terminal {
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

/** A picture that is drawn again in place. */
export class ScreenView implements View {
  readonly #terminal: Terminal;
  readonly #happenings: string[] = [];
  #height = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    terminal.write('\x1b[?25l'); // Hides the cursor.
  }

  show(scene: Scene): void {
    const { columns: width = defaultWidth, rows: height = defaultHeight } = this.#terminal;
    const lines = picture(scene, this.#happenings, { width, height: height - 1 });
    const up = this.#height > 0 ? `\x1b[${this.#height}A` : '';
    // Each line is cleared to its end, and whatever is left of a longer picture below.
    this.#terminal.write(`${up}\r${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
    this.#height = lines.length;
  }

  happened(seconds: number, what: string): void {
    this.#happenings.push(`${time(seconds)}  ${what}`);
    this.#happenings.splice(0, this.#happenings.length - maxHappenings);
  }

  end(): void {
    this.#terminal.write('\x1b[?25h');
  }
}

/** The lines of a picture, cut to fit: shards and workers first, and as many of the last happenings as there is room for. */
export function picture(
  scene: Scene,
  happenings: readonly string[],
  { width, height }: { readonly width: number; readonly height: number },
): readonly string[] {
  const { produced, total, delivered, duplicates } = scene;
  // As wide at the end as at the beginning, so that the bar does not shrink.
  const padded = (count: number): string => String(count).padStart(String(total).length);
  const counts = `${percent(scene)}  ${padded(produced)} of ${total} put, ${padded(delivered)} delivered, ${duplicates} again`;
  const state = [
    '',
    `${bar(scene, Math.max(10, Math.min(40, width - counts.length - 2)))} ${counts}`,
    '',
    ...shardTable(scene),
    '',
    ...workerTable(scene),
    '',
  ];
  const room = Math.max(0, height - state.length);
  return [...state, ...happenings.slice(Math.max(0, happenings.length - room))].map((line) => line.slice(0, width - 1));
}

function shardTable({ shards, workers }: Scene): readonly string[] {
  const names = new Map(workers.map(({ pid, name }) => [pid, name]));
  return table(
    ['shard', 'parents', 'state', 'owner', 'lag', 'checkpoint', 'flights'],
    shards.map(({ shardId, parentShardIds, state, ownerPid, lag, checkpoint, flights }) => [
      shortShardId(shardId),
      parentShardIds.map(shortShardId).join('+') || '-',
      state,
      ownerPid === undefined ? '-' : (names.get(ownerPid) ?? `pid ${ownerPid}`),
      String(lag),
      shortCheckpoint(checkpoint),
      String(flights),
    ]),
  );
}

function workerTable({ shards, workers }: Scene): readonly string[] {
  const held = (pid: number): number => shards.filter(({ ownerPid }) => ownerPid === pid).length;
  return table(
    ['worker', 'pid', 'state', 'leases'],
    workers.map(({ name, pid, state }) => [name, String(pid), state, String(held(pid))]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function bar({ produced, total }: Scene, width: number): string {
  const done = Math.round((width * produced) / total);
  return '█'.repeat(done) + '░'.repeat(width - done);
}

function percent({ produced, total }: Scene): string {
  return `${String(Math.floor((100 * produced) / total)).padStart(3)} %`;
}

function time(seconds: number): string {
  return `${seconds.toFixed(1).padStart(5)} s`;
}

function shortShardId(shardId: string): string {
  return String(Number(shardId.replace('shardId-', '')));
}

/** The embedded Kinesis numbers a stream's records in the middle of the sequence number; its end tells only the shard. */
function shortCheckpoint(checkpoint: string | undefined): string {
  if (checkpoint === undefined) return '-';
  return /^\d{56}$/.test(checkpoint) ? `…${checkpoint.slice(22, 30)}…` : checkpoint;
}
