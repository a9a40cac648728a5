import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from './child';
import type { WorkerMessage, WorkerSettings } from './messages';

/** Somebody who waits longer waits in vain. Machines may be slow. */
const limitMs = 40_000;
const pollMs = 5;

/** A worker in a process of its own, and all that it has said. */
export class WorkerProcess {
  readonly messages: WorkerMessage[] = [];
  readonly #child: Child;

  constructor(
    script: string,
    readonly settings: WorkerSettings,
  ) {
    this.#child = new Child(script, settings, (message) => this.messages.push(message as WorkerMessage));
  }

  get name(): string {
    return this.settings.life.name;
  }

  get stderr(): string {
    return this.#child.stderr;
  }

  /** @throws if the process ends before, or if it is in vain */
  hasSaid(kind: WorkerMessage['kind']): Promise<void> {
    return this.until(
      () => `saying '${kind}'`,
      () => this.messages.some((message) => message.kind === kind),
    );
  }

  /** @throws if the process ends before, or if it is in vain */
  async until(what: () => string, isSo: () => boolean): Promise<void> {
    const giveUpAtMs = performance.now() + limitMs;
    while (!isSo()) {
      if (this.#child.exit !== undefined) throw new Error(`${this.name} has ended before ${what()}`);
      if (performance.now() > giveUpAtMs) throw new Error(`${this.name} has not got to ${what()}`);
      await sleep(pollMs);
    }
  }

  /** Sends SIGTERM, and says how the process has ended and how long that took; `undefined` if it has not. */
  async terminate(withinMs: number): Promise<{ readonly ending: string; readonly tookMs: number } | undefined> {
    const beganAtMs = performance.now();
    this.#child.kill('SIGTERM');
    const over = new AbortController();
    const inVain = sleep(withinMs, undefined, { signal: over.signal }).catch(() => undefined);
    const exit = await Promise.race([this.#child.ended, inVain]);
    over.abort();
    if (exit === undefined) return undefined;
    const ending = exit.signal ?? `exit code ${String(exit.code)}`;
    return { ending, tookMs: exit.atMs - beganAtMs };
  }

  /** Leaves nothing behind. */
  async close(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.ended;
  }
}
