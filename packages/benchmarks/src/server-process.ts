import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Ready, Usage } from './server-side';

export interface ServerScript {
  /** A file that calls `serveParent`. */
  readonly path: string;
  /** On top of this process's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Arguments for Node.js itself. */
  readonly nodeArguments?: readonly string[];
}

/** After that a server that was told to end is killed. */
const stopLimitMs = 10_000;

/** A server in a process of its own, so that what it costs can be told from what its client costs. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(
    child: ChildProcess,
    ended: Promise<unknown>,
    readonly ready: Ready,
    /** From before the process was made until it was heard that it has answered a request. */
    readonly spawnMs: number,
  ) {
    this.#child = child;
    this.#ended = ended;
  }

  /** @throws if the process ends before it is ready, or when the signal aborts first; nothing is left running */
  static async start(script: ServerScript, signal: AbortSignal): Promise<ServerProcess> {
    signal.throwIfAborted();
    const beganAtMs = performance.now();
    const child = fork(script.path, {
      env: { ...process.env, ...script.environment },
      execArgv: [...(script.nodeArguments ?? [])],
      // Standard output belongs to the result.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const kill = (): void => void child.kill('SIGKILL');
    // The last resort, also when something was thrown that nobody caught.
    process.once('exit', kill);
    // Not 'close': that never comes after a disconnect from this side.
    const ended = once(child, 'exit').finally(() => process.off('exit', kill));
    ended.catch(() => undefined);
    try {
      const ready = (await answerOf(child, signal)) as Ready;
      return new ServerProcess(child, ended, ready, performance.now() - beganAtMs);
    } catch (error) {
      kill();
      // A process that could not be made rejects here; that is what `error` says already.
      await ended.catch(() => undefined);
      throw error;
    }
  }

  /** How much processor time it has used so far, in milliseconds. */
  async cpuMs(signal: AbortSignal): Promise<number> {
    return (await this.usage(signal)).cpuMs;
  }

  /** With what else this server counts. One call at a time. */
  async usage(signal: AbortSignal): Promise<Usage> {
    const answer = answerOf(this.#child, signal);
    this.#child.send({});
    return (await answer) as Usage;
  }

  /** Lets it end by itself, and kills it if it does not. Resolves once it is gone. May be called again. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopLimitMs);
    await this.#ended;
    clearTimeout(timer);
  }
}

/** The next message of a child. */
async function answerOf(child: ChildProcess, signal: AbortSignal): Promise<unknown> {
  const settled = new AbortController();
  const until = { signal: AbortSignal.any([signal, settled.signal]) };
  try {
    return await Promise.race([
      once(child, 'message', until).then(([message]: unknown[]) => message),
      once(child, 'exit', until).then(([code, killedBy]: (number | string | null)[]) => {
        throw new Error(`the server process has ended: ${killedBy ?? `exit code ${code ?? ''}`}`);
      }),
    ]);
  } finally {
    settled.abort();
  }
}
