import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { LeaseOptions } from '@millrace/lease-coordinator';
import type { ProcessorEvent } from './ledger';

/** What `support/chaos-worker.mjs` is given. */
export interface ChildSettings {
  /** Its access key id, and the beginning of its worker id. Without a hyphen. */
  readonly name: string;
  readonly ledgerFile: string;
  readonly kinesisEndpoint: string;
  readonly dynamodbEndpoint: string;
  readonly leases: LeaseOptions;
}

/**
 * - `hold`: the next call for the shard does not go on before `go on`, then checkpoints.
 * - `block`: the next call for the shard blocks the event loop for so long, then checkpoints.
 * - `block after a read`, `freeze after a read`: when records arrive next, before they are delivered, the event loop is
 *   blocked, or the process stops itself.
 * - `do not checkpoint`: other calls only deliver, until `checkpoint`.
 */
export type Order =
  | { readonly kind: 'hold'; readonly shardId: string }
  | { readonly kind: 'block'; readonly shardId: string; readonly forMs: number }
  | { readonly kind: 'block after a read'; readonly forMs: number }
  | { readonly kind: 'freeze after a read' }
  | { readonly kind: 'go on' | 'do not checkpoint' | 'checkpoint' };

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What is kept of a worker's standard error, in characters. */
const maxStderrLength = 5_000;

/** A worker process, and what it has written down. */
export class WorkerChild {
  readonly name: string;
  readonly pid: number;
  readonly closed: Promise<ChildExit>;
  exit: ChildExit | undefined;
  stderr = '';
  readonly #child: ChildProcess;
  readonly #ledger: number;
  readonly #events: ProcessorEvent[] = [];
  #unfinishedLine = '';

  constructor(settings: ChildSettings) {
    this.name = settings.name;
    this.#ledger = openSync(settings.ledgerFile, 'a+');
    this.#child = fork(join(__dirname, '../support/chaos-worker.mjs'), [JSON.stringify(settings)], {
      execArgv: ['--no-warnings'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-maxStderrLength);
    });
    this.closed = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
    this.closed.catch(() => undefined);
  }

  kill(signal: 'SIGCONT' | 'SIGKILL' | 'SIGSTOP' | 'SIGTERM'): void {
    this.#child.kill(signal);
  }

  order(order: Order): void {
    this.#child.send(order);
  }

  /** All that it has written down so far, in order. */
  events(): readonly ProcessorEvent[] {
    const chunk = Buffer.alloc(65_536);
    for (let length = 0; (length = readSync(this.#ledger, chunk)) > 0;) {
      const [first = '', ...others] = chunk.toString('utf8', 0, length).split('\n');
      const lines = [this.#unfinishedLine + first, ...others];
      this.#unfinishedLine = lines.pop() ?? '';
      for (const line of lines) this.#events.push(JSON.parse(line) as ProcessorEvent);
    }
    return this.#events;
  }

  /** No more is read. */
  close(): void {
    closeSync(this.#ledger);
  }
}
