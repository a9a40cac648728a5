import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Aws } from './aws';
import { keptLeases, missing, wrongBeginnings, wrongResult, wrongRows, wrongWords } from './check-stop';
import { ledgerOf, type Ledger } from './ledger';
import type { Endpoints, WorkerMessage } from './messages';
import { lastLife, type Life, type Point, type Scene } from './point';
import { WorkerProcess } from './worker-process';

/** The workers' time-out. User code here takes a fraction of a second. */
export const stopTimeoutMs = 10_000;

/** Of a process that is to blame, the last ones. */
const maxLogLines = 10;

/** What is waited for in each scene. */
const beginnings: Readonly<Record<Scene, WorkerMessage['kind']>> = {
  start: 'ready',
  registered: 'started',
  'first lease': 'taken',
  'first records': 'handed',
  reshard: 'handed',
  'hand-over': 'handed',
};

export interface Failure {
  /** The last life of a lane is no point. */
  readonly point: number | 'end';
  readonly what: string;
}

export interface LaneParts {
  readonly aws: Aws & Endpoints;
  /** Where the scripts of processes are. */
  readonly directory: string;
  /** Of the stream, and of the application that reads it. */
  readonly name: string;
  readonly points: readonly Point[];
  /** Told how long the end of the process took; `undefined` if it did not end. */
  readonly onPoint: (point: Point, tookMs: number | undefined) => void;
  readonly onFailure: (failure: Failure) => void;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * One application that is restarted again and again: each worker process goes on where the one before it stopped, and is
 * stopped at its own point. After the last point one more deals with all that is left.
 */
export class Lane {
  readonly #parts: LaneParts;
  readonly #processes: WorkerProcess[] = [];

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** How many records were handed over. */
  get records(): number {
    return [...this.#ledger().values()].flat().reduce((sum, { numbers }) => sum + numbers.length, 0);
  }

  /** Ends early when anything is wrong: what comes after it says nothing. Leaves nothing running. */
  async run(): Promise<void> {
    const { points, signal, onFailure } = this.#parts;
    let at: Failure['point'] = 'end';
    try {
      let next: WorkerProcess | undefined;
      for (const [index, point] of points.entries()) {
        signal.throwIfAborted();
        at = point.number;
        const worker = next ?? this.#fork(point.life);
        next = await this.#reach(point, worker, points[index + 1]?.life ?? lastLife());
        if (!(await this.#stop(point, worker, next))) return;
      }
      at = 'end';
      await this.#finish(next ?? this.#fork(lastLife()));
    } catch (error) {
      signal.throwIfAborted();
      onFailure({ point: at, what: error instanceof Error ? error.message : String(error) });
      for (const worker of this.#processes.slice(-2)) this.#showLog(worker);
    } finally {
      await Promise.all(this.#processes.map((process) => process.close()));
    }
  }

  /** Until SIGTERM is due. Returns the next worker if it has begun by then. */
  async #reach({ scene, delayMs }: Point, worker: WorkerProcess, nextLife: Life): Promise<WorkerProcess | undefined> {
    const { aws, name, signal } = this.#parts;
    await worker.hasSaid(beginnings[scene]);
    if (scene === 'reshard') await aws.ask({ kind: 'reshard', stream: name });
    const next = scene === 'hand-over' ? this.#fork(nextLife) : undefined;
    await next?.hasSaid('ready');
    await sleep(delayMs, undefined, { signal });
    return next;
  }

  /** Returns whether all was well. */
  async #stop(point: Point, worker: WorkerProcess, next: WorkerProcess | undefined): Promise<boolean> {
    const { onPoint, onFailure } = this.#parts;
    const { scene, delayMs, number, life } = point;
    const { tookMs, wrong } = await this.#terminate(worker, next);
    onPoint(point, tookMs);
    const where = `${scene}, ${delayMs.toFixed(0)} ms later, ${life.checkpointing}, ${life.inFlight}`;
    for (const what of wrong) onFailure({ point: number, what: `${where}: ${what}` });
    // Found only now, but it was the stop before that went wrong.
    const beginnings = wrongBeginnings(this.#ledger());
    for (const { name, what } of beginnings) onFailure({ point: numberOf(name), what });
    if (wrong.length > 0) this.#showLog(worker);
    return wrong.length + beginnings.length === 0;
  }

  /** All that is left is dealt with. */
  async #finish(worker: WorkerProcess): Promise<void> {
    const { aws, name, onFailure } = this.#parts;
    await worker.hasSaid('handed');
    const put = await aws.ask({ kind: 'quiet', stream: name });
    await worker.until(
      () => `acknowledging everything: ${missing(this.#ledger(), put).join(', ')}`,
      () => missing(this.#ledger(), put).length === 0,
    );
    const { wrong } = await this.#terminate(worker, undefined);
    for (const what of wrong) onFailure({ point: 'end', what });
    for (const violation of wrongBeginnings(this.#ledger())) {
      onFailure({ point: numberOf(violation.name), what: violation.what });
    }
  }

  async #terminate(
    worker: WorkerProcess,
    next: WorkerProcess | undefined,
  ): Promise<{ readonly tookMs: number | undefined; readonly wrong: readonly string[] }> {
    const end = await worker.terminate(stopTimeoutMs);
    if (end === undefined) {
      const what = `has not ended ${stopTimeoutMs} ms after SIGTERM`;
      return { tookMs: undefined, wrong: [what, ...wrongWords(worker)] };
    }
    const rows = await this.#parts.aws.ask({ kind: 'rows', tableName: this.#parts.name });
    const ledger = this.#ledger();
    const wrong = [
      ...(end.ending === 'exit code 0' ? [] : [`ended with ${end.ending}`]),
      ...wrongWords(worker),
      ...keptLeases(worker, rows),
      // With a successor the table has moved on.
      ...(next === undefined ? [...wrongRows(ledger, rows), ...wrongResult(worker, ledger)] : []),
    ];
    return { tookMs: end.tookMs, wrong };
  }

  #fork(life: Life): WorkerProcess {
    const { aws, directory, name } = this.#parts;
    const { kinesisEndpoint, dynamodbEndpoint } = aws;
    const process = new WorkerProcess(join(directory, 'worker-script.js'), {
      ...{ life, kinesisEndpoint, dynamodbEndpoint, stopTimeoutMs },
      ...{ applicationName: name, streamName: name },
    });
    this.#processes.push(process);
    return process;
  }

  #ledger(): Ledger {
    return ledgerOf(this.#processes);
  }

  #showLog({ name, stderr }: WorkerProcess): void {
    const lines = stderr.trimEnd().split('\n').slice(-maxLogLines);
    if (stderr !== '') this.#parts.progress([`${name} has logged:`, ...lines].join('\n'));
  }
}

function numberOf(name: string): Failure['point'] {
  return name === lastLife().name ? 'end' : Number(name.slice(1));
}
