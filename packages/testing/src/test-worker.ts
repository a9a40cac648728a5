import { Worker, type StopOptions, type StopResult, type WorkerOptions } from 'millrace';
import { seededRandom } from '@millrace/core/testing';
import type { EmbeddedAws } from '@millrace/local';
import type { DeliveryLedger } from './delivery-ledger';
import { observedProcessor } from './observed-processor';
import { testClients } from './test-clients';
import type { TestTime } from './test-time';

/** What the kit sees to itself. */
type KitOptions =
  'applicationName' | 'clock' | 'dynamodb' | 'kinesis' | 'random' | 'streamArn' | 'streamName' | 'workerId';

/** The options of a `Worker`, without those that the kit sees to. `tableName` and all intervals may be set as in production. */
export type TestWorkerOptions = Omit<WorkerOptions, KitOptions>;

export interface TestWorkerParts {
  readonly name: string;
  readonly seed: number;
  readonly applicationName: string;
  readonly streamName: string;
  readonly options: TestWorkerOptions;
  readonly aws: EmbeddedAws;
  readonly time: TestTime;
  readonly ledger: DeliveryLedger;
}

/** A worker under the time of a test. */
export class TestWorker {
  /** Signs this worker's calls: what the scope of a fault names as `accessKeyId`. */
  readonly name: string;
  /** The worker itself, for its events, `health()` and `snapshot()`. */
  readonly worker: Worker;
  readonly #parts: TestWorkerParts;
  readonly #crash = new AbortController();
  readonly #running: Promise<void>;
  #hasStarted = false;
  /** Set once `run()` has settled. */
  #end: { readonly failure: { readonly error: unknown } | undefined } | undefined;

  constructor(parts: TestWorkerParts) {
    const { name, seed, applicationName, streamName, options, aws, time, ledger } = parts;
    this.#parts = parts;
    this.name = name;
    const { kinesis, dynamodb } = testClients(aws, time, name);
    this.worker = new Worker({
      ...options,
      applicationName,
      streamName,
      workerId: name,
      kinesis,
      dynamodb,
      clock: time.clock,
      random: seededRandom(seed),
      processorFactory: (shard) =>
        observedProcessor(options.processorFactory(shard), {
          workerId: this.worker.workerId,
          shardId: shard.shardId,
          ledger,
          time,
          crashed: this.#crash.signal,
        }),
    });
    this.worker.on('workerStarted', () => (this.#hasStarted = true));
    this.#running = this.worker.run().then(
      () => void (this.#end = { failure: undefined }),
      (error: unknown) => void (this.#end = { failure: { error } }),
    );
  }

  /** The shards whose leases it holds. */
  get shardIds(): readonly string[] {
    return this.#end === undefined ? this.worker.snapshot().ownedShardIds : [];
  }

  /** Lets time pass until the worker begins to take leases. Rejects with what `run()` rejects with. */
  async started(): Promise<void> {
    await this.#parts.time.until(() => this.#hasStarted || this.#end !== undefined, {
      what: `${this.name} to start`,
    });
    this.throwFailure();
  }

  /** Throws what `run()` has rejected with, if it has. */
  throwFailure(): void {
    const failure = this.#end?.failure;
    if (failure !== undefined) throw failure.error as Error;
  }

  /** Stops it cleanly, as `Worker.stop()` does, and lets time pass until it has. */
  async stop(options?: StopOptions): Promise<StopResult> {
    let result: StopResult | undefined;
    void this.worker.stop(options).then((value) => (result = value));
    await this.#parts.time.until(() => result !== undefined, { what: `${this.name} to stop` });
    return result ?? { unfinishedShardIds: [] };
  }

  /**
   * Ends it without warning, as SIGKILL would: from now on nothing that it does reaches AWS or your code, and what your
   * code was doing comes to nothing. Its leases are left to expire.
   */
  async crash(): Promise<void> {
    const { aws, name, time } = this.#parts;
    aws.faults.add({ kind: 'lost-request', accessKeyId: name });
    this.#crash.abort();
    void this.worker.stop({ timeoutMs: 0 });
    await time.until(() => this.#end !== undefined, { what: `${name} to be gone` });
  }

  /** Stops it, giving your code a second of virtual time to finish. */
  async close(): Promise<void> {
    void this.worker.stop({ timeoutMs: 1_000 });
    await this.#parts.time.advance(1_000);
    await this.#parts.time.until(() => this.#end !== undefined, { what: `${this.name} to stop` });
    await this.#running;
  }
}
