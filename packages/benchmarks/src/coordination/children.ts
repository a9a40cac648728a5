import { fork } from 'node:child_process';
import { once } from 'node:events';
import { devNull, setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { settingsVariable, type Go } from './messages';

export interface Child {
  /** Resolves with how it ended, once there is nothing more to hear of it. */
  readonly gone: Promise<string>;
  /** Tells it that now it counts. */
  go(): void;
  kill(signal: 'SIGKILL' | 'SIGTERM'): void;
}

/** Priority, as `nice` has it. The server stands for services that have processors of their own: it must not wait for workers. */
const behindServices = 10;

/** What a healthy run prints none of. When something goes wrong, thousands of workers' log lines say the same. */
const maxLogLines = 10;

/** Processes of this bench, none of which outlives it: each ends when its channel closes, however this process ends. */
export class Children {
  readonly #running = new Set<Child>();
  #logLines = 0;
  readonly #killAll = (): void => {
    for (const child of this.#running) child.kill('SIGKILL');
  };

  constructor() {
    // Sooner than by the channel, also when something was thrown that nobody caught.
    process.once('exit', this.#killAll);
  }

  /**
   * @param path of a script that takes its settings by `settingsFromParent`
   * @param onMessage is given everything that it sends, as it was sent
   * @param nodeArguments for Node.js itself; none of this process's own are passed on
   */
  fork(
    path: string,
    settings: object,
    onMessage: (message: unknown) => void,
    nodeArguments: readonly string[] = [],
  ): Child {
    const forked = fork(path, {
      env: { ...withoutAws(process.env), [settingsVariable]: JSON.stringify(settings) },
      execArgv: [...nodeArguments],
      // Standard output belongs to the result.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    if (forked.pid !== undefined) setPriority(forked.pid, behindServices);
    forked.on('message', onMessage);
    if (forked.stderr !== null) createInterface(forked.stderr).on('line', (line) => this.#log(line));
    const ending = once(forked, 'exit').then(async ([code, killedBy]: (number | string | null)[]) => {
      // What it sent before may still be in the channel.
      if (forked.connected) await once(forked, 'disconnect');
      return String(killedBy ?? `exit code ${code ?? ''}`);
    });
    const gone = ending.catch((error: unknown) => String(error)).finally(() => this.#running.delete(child));
    const child: Child = {
      gone,
      // An error is that it is gone.
      go: () => void forked.send({ kind: 'go' } satisfies Go, () => undefined),
      kill: (signal) => void forked.kill(signal),
    };
    this.#running.add(child);
    return child;
  }

  /** Kills all that are left, and resolves when they are gone. */
  async close(): Promise<void> {
    this.#killAll();
    await Promise.all([...this.#running].map(({ gone }) => gone));
    process.off('exit', this.#killAll);
    const leftOut = this.#logLines - maxLogLines;
    if (leftOut > 0) process.stderr.write(`${leftOut} more lines that processes have logged are left out\n`);
  }

  #log(line: string): void {
    if (++this.#logLines <= maxLogLines) process.stderr.write(`${line}\n`);
  }
}

/** No profile or endpoint of the user's may lead a process away from this machine. */
function withoutAws(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = Object.entries(environment).filter(
    ([name]) => !name.startsWith('AWS_') || name === 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED',
  );
  return { ...Object.fromEntries(others), AWS_CONFIG_FILE: devNull, AWS_SHARED_CREDENTIALS_FILE: devNull };
}
