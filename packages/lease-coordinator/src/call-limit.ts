/** Runs at most `maxRunning` tasks at once, the others in the order in which they came. */
export class CallLimit {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly maxRunning: number) {}

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.maxRunning) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    } else {
      this.#running++;
    }
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // The place is passed on, not freed, so that nobody can slip in between.
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
