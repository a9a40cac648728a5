import { fork, type ChildProcess } from 'node:child_process';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface WorkerProcess {
  /** A letter. */
  readonly name: string;
  readonly pid: number;
  readonly deliveryLog: string;
  readonly state: 'running' | 'stopping' | 'stopped' | 'killed' | 'failed';
}

export interface WorkerProcessesOptions {
  /** For the delivery logs. */
  readonly directory: string;
  /** On top of this process's own environment, without the `AWS_…` variables in that. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What is kept of a worker's standard error, in characters. */
const maxStderrLength = 20_000;

class Running implements WorkerProcess {
  readonly pid: number;
  readonly closed: Promise<void>;
  state: WorkerProcess['state'] = 'running';
  stderr = '';

  constructor(
    readonly name: string,
    readonly deliveryLog: string,
    readonly child: ChildProcess,
  ) {
    this.pid = child.pid ?? 0;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-maxStderrLength);
    });
    this.closed = new Promise((resolve) => child.once('close', () => resolve()));
  }
}

/** Starts the example as separate processes, and ends them. Every process that it started it can also kill. */
export class WorkerProcesses {
  /** Rejects as soon as a worker ends that should not have, or not like that. */
  readonly failure: Promise<never>;
  readonly #options: WorkerProcessesOptions;
  readonly #all: Running[] = [];
  #fail: (error: Error) => void = () => undefined;

  constructor(options: WorkerProcessesOptions) {
    this.#options = options;
    this.failure = new Promise((_, reject) => (this.#fail = reject));
    this.failure.catch(() => undefined);
  }

  /** All that were started, in that order. */
  get all(): readonly WorkerProcess[] {
    return this.#all;
  }

  start(): WorkerProcess {
    const name = String.fromCharCode('A'.charCodeAt(0) + this.#all.length);
    const deliveryLog = join(this.#options.directory, `${name}.log`);
    const child = fork(join(__dirname, '../flight-delays/main.js'), {
      env: { ...withoutAws(process.env), ...this.#options.environment, DELIVERY_LOG: deliveryLog },
      execArgv: ['--require', join(__dirname, 'die-with-parent.js')],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const worker = new Running(name, deliveryLog, child);
    this.#all.push(worker);
    child.once('error', (error) => this.#fail(new Error(`worker ${name} did not start`, { cause: error })));
    child.once('close', (code, signal) => this.#closed(worker, code, signal));
    return worker;
  }

  /** SIGKILL: the worker has no chance to do anything. */
  async kill(pid: number): Promise<WorkerProcess> {
    const worker = this.#running(pid);
    worker.state = 'killed';
    worker.child.kill('SIGKILL');
    await worker.closed;
    return worker;
  }

  /** SIGTERM. Rejects if the worker ends with another code than 0, or not within `limitMs`. */
  async stop(pid: number, limitMs: number, signal: AbortSignal): Promise<WorkerProcess> {
    const worker = this.#running(pid);
    worker.state = 'stopping';
    worker.child.kill('SIGTERM');
    const timer = new AbortController();
    const timeout = sleep(limitMs, undefined, { signal: AbortSignal.any([signal, timer.signal]) }).then(() => {
      throw new Error(`worker ${worker.name} has not ended ${limitMs / 1000} s after SIGTERM`);
    });
    try {
      await Promise.race([worker.closed, timeout, this.failure]);
    } finally {
      timer.abort();
      timeout.catch(() => undefined);
    }
    return worker;
  }

  /** Leaves nothing behind. Synchronous, for the very end of this process. */
  killAll(): void {
    for (const worker of this.#all) {
      if (worker.child.exitCode !== null || worker.child.signalCode !== null) continue;
      worker.state = 'killed';
      worker.child.kill('SIGKILL');
    }
  }

  /** What the workers wrote to standard error, each line with the name of its worker. */
  stderr(): string {
    return this.#all
      .flatMap(({ name, stderr }) =>
        stderr
          .split('\n')
          .filter(Boolean)
          .map((line) => `[${name}] ${line}`),
      )
      .join('\n');
  }

  #running(pid: number): Running {
    const worker = this.#all.find((candidate) => candidate.pid === pid);
    if (worker?.state !== 'running') throw new Error(`no worker with process id ${pid} is running`);
    return worker;
  }

  #closed(worker: Running, code: number | null, signal: NodeJS.Signals | null): void {
    if (worker.state === 'killed') return;
    const asWanted = worker.state === 'stopping' && code === 0;
    worker.state = asWanted ? 'stopped' : 'failed';
    if (!asWanted)
      this.#fail(new Error(`worker ${worker.name} ended unexpectedly: ${signal ?? `exit code ${String(code)}`}`));
  }
}

/** No profile or endpoint of the user's may lead a worker away from this machine. */
function withoutAws(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = Object.entries(environment).filter(([name]) => !name.startsWith('AWS_'));
  return { ...Object.fromEntries(others), AWS_CONFIG_FILE: devNull, AWS_SHARED_CREDENTIALS_FILE: devNull };
}
