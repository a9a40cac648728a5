import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { devNull } from 'node:os';
import { settingsVariable } from './messages';

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** By `performance.now()` of this process. */
  readonly atMs: number;
}

/** A process of a check. None outlives this one: each ends when its channel closes, however this process ends. */
export class Child {
  /** Resolves once there is nothing more to hear of it. */
  readonly ended: Promise<Exit>;
  exit: Exit | undefined;
  stderr = '';
  readonly #process: ChildProcess;

  constructor(script: string, settings: object, onMessage: (message: unknown) => void) {
    this.#process = fork(script, {
      env: { ...withoutAws(process.env), [settingsVariable]: JSON.stringify(settings) },
      // Without the SDK's advice to use a newer Node.js.
      execArgv: ['--no-warnings'],
      // Standard output belongs to the result.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#process.on('message', onMessage);
    this.#process.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = this.#untilEnded();
    // Said when it is waited for.
    this.ended.catch(() => undefined);
  }

  send(message: object): void {
    this.#process.send(message);
  }

  kill(signal: 'SIGKILL' | 'SIGTERM'): void {
    this.#process.kill(signal);
  }

  async #untilEnded(): Promise<Exit> {
    const [code, signal] = (await once(this.#process, 'exit')) as [number | null, string | null];
    const exit: Exit = { code, signal, atMs: performance.now() };
    // What it sent before may still be in the channel.
    if (this.#process.connected) await once(this.#process, 'disconnect');
    this.exit = exit;
    return exit;
  }
}

/** No profile or endpoint of the user's may lead a process away from this machine. */
function withoutAws(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const others = Object.entries(environment).filter(([name]) => !name.startsWith('AWS_') && name !== 'NODE_OPTIONS');
  return { ...Object.fromEntries(others), AWS_CONFIG_FILE: devNull, AWS_SHARED_CREDENTIALS_FILE: devNull };
}
