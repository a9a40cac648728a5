import type { Attempts, Observation, WorkerReport } from './messages';

/** Small against what is measured, and few messages. */
const batchMs = 20;

/** A worker process's side of the channel: gathers what is observed, and sends it now and then. */
export class WorkerReporter {
  readonly #attempts: () => Attempts;
  #gathered: Observation[] = [];
  #timer: NodeJS.Timeout | undefined;
  #soon: Promise<void> | undefined;

  constructor(attempts: () => Attempts) {
    this.#attempts = attempts;
  }

  /** Reported within some milliseconds. */
  note(observation: Observation): void {
    this.#gathered.push(observation);
    this.#timer ??= setTimeout(() => void this.flush(), batchMs);
  }

  /**
   * Reported at once, with whatever else there is. Resolves when the parent is sure to get it, even if this process is killed
   * the next moment: only then may the record be acknowledged, or it would count as missing.
   */
  noteNow(observation: Observation): Promise<void> {
    this.#gathered.push(observation);
    this.#soon ??= new Promise((resolve) =>
      setImmediate(() => {
        this.#soon = undefined;
        resolve(this.flush());
      }),
    );
    return this.#soon;
  }

  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const report: WorkerReport = { kind: 'report', observations: this.#gathered, attempts: this.#attempts() };
    this.#gathered = [];
    return new Promise((resolve) => {
      // That the parent is gone ends this process elsewhere.
      process.send?.(report, undefined, undefined, () => resolve());
    });
  }
}
