import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { Children } from '../coordination/children';

export interface ChildTask {
  /** In this folder. */
  readonly script: string;
  readonly settings: object;
  /** Told of each message as it comes. */
  readonly onMessage?: (message: unknown) => void;
  readonly profileDirectory?: string | undefined;
  /** For Node.js. */
  readonly nodeArguments?: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * The last message of a process that ends by itself, once it has.
 *
 * @throws if it ends otherwise, or `signal` aborts first; it is gone then, too
 */
export async function runChild({
  script,
  settings,
  onMessage,
  profileDirectory,
  nodeArguments = [],
  signal,
}: ChildTask): Promise<unknown> {
  const children = new Children();
  let last: unknown;
  const hear = (message: unknown): void => {
    last = message;
    onMessage?.(message);
  };
  try {
    const child = children.fork(join(__dirname, script), settings, hear, [
      ...nodeArguments,
      ...profiling(profileDirectory),
    ]);
    const how = await Promise.race([child.gone, aborted(signal)]);
    if (how !== 'exit code 0' || last === undefined) throw new Error(`${script} has ended unexpectedly: ${how}`);
    return last;
  } finally {
    await children.close();
  }
}

/** Arguments for Node.js. */
export function profiling(directory: string | undefined): readonly string[] {
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`];
}

function aborted(signal: AbortSignal): Promise<never> {
  // Each child listens once.
  setMaxListeners(0, signal);
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
