import { type Logger, type StopOptions, Worker, type WorkerEvents, type WorkerOptions } from 'millrace';
import type { Chance } from './chance';
import { FakeDynamoDbClient, FakeKinesisClient, fakeClientConfig } from './fake-clients';
import type { Machine } from './machine';
import type { Network } from './network';
import { withSeededUuid } from './seeded-uuid';
import type { VirtualTime } from './virtual-time';

export interface SimulatedWorkerParts {
  readonly machine: Machine;
  /** Before the random part that each life has of its own. */
  readonly workerId: string;
  readonly network: Network;
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly logger: Logger;
  /** The worker says that it misses a record. */
  readonly onAgedOut: (event: WorkerEvents['recordsAgedOut']) => void;
  readonly options: Pick<
    WorkerOptions,
    | 'auditIntervalMs'
    | 'checkpointEveryRecords'
    | 'checkpointing'
    | 'failurePolicy'
    | 'fetch'
    | 'initialPosition'
    | 'leases'
    | 'memory'
    | 'processorFactory'
    | 'retry'
    | 'stallTimeoutMs'
  >;
  readonly streamName: string;
  readonly tableName: string;
}

/** One life of a worker on a machine of its own. */
export class SimulatedWorker {
  readonly machine: Machine;
  readonly worker: Worker;
  /** Without the random part. */
  readonly workerId: string;
  /** The most leases that it takes. */
  readonly maxLeases: number;
  readonly failoverTimeMs: number;
  hasStarted = false;
  isStopping = false;
  /** It has given up some lease, whose shard did not get on here. */
  hasGivenUp = false;
  /** Set once `run()` has settled. */
  end: { readonly error: unknown } | 'clean' | undefined;

  constructor(parts: SimulatedWorkerParts) {
    const { machine, network, time, chance, logger, options, streamName, tableName } = parts;
    this.machine = machine;
    this.workerId = parts.workerId;
    this.maxLeases = options.leases?.maxLeases ?? Infinity;
    this.failoverTimeMs = options.leases?.failoverTimeMs ?? 10_000;
    const config = fakeClientConfig(network, machine, time);
    this.worker = withSeededUuid(
      chance,
      () =>
        new Worker({
          ...options,
          applicationName: tableName,
          streamName,
          workerId: parts.workerId,
          // The worker takes any client whose `send` answers as the SDK's does.
          kinesis: new FakeKinesisClient(config) as unknown as NonNullable<WorkerOptions['kinesis']>,
          dynamodb: new FakeDynamoDbClient(config) as unknown as NonNullable<WorkerOptions['dynamodb']>,
          clock: machine,
          random: chance,
          logger,
        }),
    );
    this.worker.on('workerStarted', () => (this.hasStarted = true));
    this.worker.on('shardStalled', ({ action }) => (this.hasGivenUp ||= action === 'given-up'));
    this.worker.on('recordsAgedOut', (event) => parts.onAgedOut(event));
  }

  /** Up, and not about to leave. */
  get isLive(): boolean {
    return !this.machine.isDown && !this.isStopping && this.end === undefined;
  }

  /** @param onEnd told when `run()` has settled, on a machine that is up */
  run(onEnd: (worker: SimulatedWorker) => void): void {
    const ended = (end: SimulatedWorker['end']): void => {
      if (this.machine.isDown) return;
      this.end = end;
      onEnd(this);
    };
    this.worker.run().then(
      () => ended('clean'),
      (error: unknown) => ended({ error }),
    );
  }

  stop(options: StopOptions): void {
    if (this.isStopping) return;
    this.isStopping = true;
    void this.worker.stop(options);
  }
}
