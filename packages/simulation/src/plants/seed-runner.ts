import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { systemClock } from '@millrace/core';
import type { SimulationOptions, SimulationResult } from '../simulation';

/** What a run came to, if it is not well. */
export interface RunFailure {
  readonly guarantee: string;
  readonly what: string;
}

/** As built, also for those who run from the sources. */
const threadFile = join(__dirname, '..', '..', 'dist', 'plants', 'plant-thread.js');

/** A run takes a second, and on a busy machine a few. One that takes so long goes round in circles. */
const runLimitMs = 60_000;

/** A thread that runs seeds one after another, with a bug in it or without. Used again after a run that broke off. */
export class SeedRunner {
  readonly #plant: string | undefined;
  #thread: Worker | undefined;

  /** @param plant the name of the bug */
  constructor(plant?: string) {
    this.#plant = plant;
  }

  /** Never rejects: a run that breaks off, or does not end, is a failure as well. */
  async run(options: SimulationOptions): Promise<RunFailure | undefined> {
    const thread = (this.#thread ??= new Worker(threadFile, {
      workerData: { plant: this.#plant },
      resourceLimits: { maxYoungGenerationSizeMb: 64 },
    }));
    const over = new AbortController();
    const ended = new Promise<SimulationResult | string>((resolve) => {
      thread.once('message', (result: SimulationResult) => resolve(result));
      thread.once('error', (error) => resolve(`the run broke off: ${error.message}`));
      systemClock.sleep(runLimitMs, over.signal).then(
        () => resolve('the run does not end'),
        () => undefined,
      );
    });
    thread.postMessage(options);
    const result = await ended;
    over.abort();
    thread.removeAllListeners('message').removeAllListeners('error');
    if (typeof result !== 'string') return result.failure;
    await this.end();
    return { guarantee: 'worker', what: result };
  }

  async end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }
}
