import { setMaxListeners } from 'node:events';
import { seededRandom } from '@millrace/core/testing';
import type { EmbeddedAws } from '@millrace/local';
import { Worker, type StopOptions, type StopResult, type WorkerOptions } from 'millrace';
import type { DeliveryLedger } from './delivery-ledger';
import { MortalClock } from './mortal-clock';
import { observedPolicy } from './observed-policy';
import { observedProcessor } from './observed-processor';
import { testClients } from './test-clients';
import type { TestTime } from './test-time';

/** What the kit sees to itself. */
type KitOptions =
  | 'applicationName'
  | 'clock'
  | 'dynamodb'
  | 'kinesis'
  | 'random'
  | 'streamArn'
  | 'streamName'
  | 'tableName'
  | 'workerId';

/** The options of a `Worker`, without those that the kit sees to. All intervals may be as in production. */
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
  readonly #time: TestTime;
  readonly #death = new AbortController();
  #hasStarted = false;
  /** Set once `run()` has settled. */
  #end: { readonly failure: { readonly error: unknown } | undefined } | undefined;
  #isFailureTold = false;

  constructor({ name, seed, applicationName, streamName, options, aws, time, ledger }: TestWorkerParts) {
    this.name = name;
    this.#time = time;
    const dead = this.#death.signal;
    // One listener per shard and call that is under way: many, and all of them are removed again.
    setMaxListeners(0, dead);
    const { kinesis, dynamodb } = testClients({ aws, time, name, dead });
    this.worker = new Worker({
      ...options,
      applicationName,
      streamName,
      workerId: name,
      kinesis,
      dynamodb,
      clock: new MortalClock(time.clock, dead),
      random: seededRandom(seed),
      ...(options.failurePolicy !== undefined && {
        failurePolicy: observedPolicy(options.failurePolicy, { ledger, time, dead }),
      }),
      processorFactory: (shard) =>
        observedProcessor(options.processorFactory(shard), {
          workerName: name,
          shardId: shard.shardId,
          ledger,
          time,
          dead,
        }),
    });
    this.worker.on('workerStarted', () => (this.#hasStarted = true));
    this.worker.on('recordSkipped', (record) => ledger.addLetGo(record));
    this.worker.run().then(
      () => (this.#end = { failure: undefined }),
      (error: unknown) => (this.#end = { failure: { error } }),
    );
  }

  /** It has neither stopped nor crashed. */
  get isLive(): boolean {
    return this.#end === undefined && !this.#death.signal.aborted;
  }

  /** The shards whose leases it believes that it holds; none once it is not live. */
  get shardIds(): readonly string[] {
    return this.isLive ? this.worker.snapshot().ownedShardIds : [];
  }

  /** Lets time pass until the worker begins to take leases. Rejects with what `run()` rejects with. */
  async started(): Promise<void> {
    await this.#time.until(() => this.#hasStarted || !this.isLive, { what: `${this.name} to start` });
    this.throwFailure();
  }

  /** Throws what `run()` has rejected with, if it has and nobody was told. */
  throwFailure(): void {
    const failure = this.#end?.failure;
    if (failure === undefined || this.#isFailureTold) return;
    this.#isFailureTold = true;
    throw failure.error as Error;
  }

  /** Stops it cleanly, as `Worker.stop()` does, and lets time pass until it has. Not for one that has crashed. */
  async stop(options?: StopOptions): Promise<StopResult> {
    if (this.#death.signal.aborted) throw new Error(`${this.name} has crashed: there is nothing left to stop`);
    let result: StopResult | undefined;
    void this.worker.stop(options).then((value) => (result = value));
    await this.#time.until(() => result !== undefined, { what: `${this.name} to stop` });
    return result ?? { unfinishedShardIds: [], unfinished: [] };
  }

  /**
   * Ends it without warning, as SIGKILL would, and without time passing: none of its calls reaches AWS any longer, no answer
   * and no timer reaches it, and what your code returns to it comes to nothing. Its leases are left to expire.
   */
  crash(): void {
    this.#death.abort();
  }

  /** Stops it, giving your code a second of virtual time to finish. */
  async close(): Promise<void> {
    if (!this.isLive) return;
    void this.worker.stop({ timeoutMs: 1_000 });
    await this.#time.advance(1_000);
    await this.#time.until(() => !this.isLive, { what: `${this.name} to stop` });
  }
}
