import { CallFaults } from './call-faults';
import { Chance } from './chance';
import { CostMeter, type Cost, type Purpose } from './cost-meter';
import { runSteps } from './event-loop';
import { Machine } from './machine';
import { Network } from './network';
import { SimulatedAws } from './simulated-aws';
import { SimulatedWorker } from './simulated-worker';
import { tracedLogger } from './traced-logger';
import { VirtualTime } from './virtual-time';

export interface SteadyOptions {
  readonly hours: number;
  readonly workers: number;
  readonly shards: number;
  /** `idle`: there are no records. `busy`: each shard gets some between any two renewals, acknowledged automatically. */
  readonly load: 'idle' | 'busy';
  readonly onHour?: (hour: number) => void;
}

/** What the coordination of a fleet at rest costs, beside what it should. */
export interface SteadyResult {
  readonly load: 'idle' | 'busy';
  readonly hours: number;
  readonly workers: number;
  readonly leases: number;
  /** Leases that changed hands, or were about to. */
  readonly moves: number;
  /** Log lines at `warn` or `error`. */
  readonly warnings: readonly string[];
  readonly records: number;
  readonly costs: Readonly<Record<Purpose, Cost>>;
  readonly perLeaseHour: Rates<'writes' | 'writeUnits'>;
  readonly perWorkerHour: Rates<'heartbeats' | 'scans' | 'mailReads' | 'mailReadUnits' | 'scanReadUnits'>;
}

/** Measured, and predicted: an upper bound, since what is done again so long after it *ended* is done less often. */
type Rates<Name extends string> = Readonly<Record<Name, { readonly measured: number; readonly predicted: number }>>;

type Members = Readonly<Record<string, unknown>>;

const hourMs = 3_600_000;

/** What the workers are configured with: the defaults, said here because the formulas need them. */
const leases = { failoverTimeMs: 10_000, renewIntervalMs: 3_333, scanIntervalMs: 2_000, mailIntervalMs: 250 };

/** The audit of the rows reads the table too, and consistently. */
const auditIntervalMs = 60_000;

/** After so long everybody has started and has its share. */
const settledAtMs = 300_000;

/** Shorter than a renewal interval, so that each renewal finds something acknowledged. */
const recordEveryMs = 3_000;

/** Reads cost no DynamoDB: they are made only as often as the load needs. */
const idleTimeBetweenReadsMs = { idle: 60_000, busy: 3_000 };

const streamName = 'flights';
const tableName = 'flight-delays';

/** Lets a fleet rest, without any fault, and counts what it asks of DynamoDB. */
export async function steadyRun(options: SteadyOptions): Promise<SteadyResult> {
  const { hours, workers, shards, load, onHour } = options;
  const time = new VirtualTime();
  const aws = new SimulatedAws(time, tableName);
  const meter = new CostMeter(aws);
  const chance = new Chance(1);
  const warnings: string[] = [];
  aws.kinesis.addStream(streamName, shards);
  const network = networkOf(time, aws, meter, chance);
  for (let index = 1; index <= workers; index++) startWorker(index, { time, network, chance, load, warnings });
  const records = load === 'busy' ? putRecords(time, aws, shards, settledAtMs + hours * hourMs) : { count: 0 };
  await runSteps(() => time.step(settledAtMs));
  meter.reset();
  warnings.length = 0;
  for (let hour = 1; hour <= hours; hour++) {
    const untilMs = settledAtMs + hour * hourMs;
    await runSteps(() => time.step(untilMs));
    onHour?.(hour);
  }
  if (aws.isSlow) throw new Error('the fast table has met a call that it does not know');
  return resultOf(options, meter, warnings, records.count, aws.tableBytes());
}

function networkOf(time: VirtualTime, aws: SimulatedAws, meter: CostMeter, chance: Chance): Network {
  return new Network({
    ...{ time, aws, faults: new CallFaults(chance.fork(), 0), chance: chance.fork() },
    watch: {
      sent: () => undefined,
      arriving: (_, call) => {
        if (call.service === 'dynamodb') meter.arriving(call);
      },
      performed: (_, call, outcome) => {
        meter.performed(call, 'output' in outcome ? (outcome.output as Members) : {});
        return {};
      },
      cameLate: () => undefined,
      met: () => undefined,
    },
  });
}

function startWorker(
  index: number,
  parts: {
    readonly time: VirtualTime;
    readonly network: Network;
    readonly chance: Chance;
    readonly load: 'idle' | 'busy';
    readonly warnings: string[];
  },
): void {
  const { time, network, chance, load, warnings } = parts;
  const machine = new Machine({
    ...{ name: `w${index}`, time, originMs: index * 1_000, skewMs: 0, driftRate: 0, clockRate: 1 },
    onDown: () => undefined,
  });
  const worker = new SimulatedWorker({
    ...{ machine, workerId: machine.name, network, time, streamName, tableName, chance: chance.fork() },
    logger: tracedLogger(({ level, message }) => {
      if (level !== 'info') warnings.push(`${machine.name} ${level}: ${message}`);
    }),
    onAgedOut: ({ shardId }) => warnings.push(`${machine.name} says that records of ${shardId} have aged out`),
    options: {
      checkpointing: 'automatic',
      initialPosition: 'TRIM_HORIZON',
      leases,
      auditIntervalMs,
      fetch: { idleTimeBetweenReadsMs: idleTimeBetweenReadsMs[load] },
      processorFactory: () => ({ processRecords: () => Promise.resolve() }),
    },
  });
  time.later(chance.between(0, 2_000), () => {
    worker.run(() => warnings.push(`${machine.name} has ended`));
  });
}

/** One for each shard, again and again. What was read long ago is forgotten, or a day would fill the memory. */
function putRecords(time: VirtualTime, aws: SimulatedAws, shards: number, untilMs: number): { count: number } {
  const put = { count: 0 };
  const range = 2n ** 128n / BigInt(shards);
  const again = (): void => {
    for (let shard = 0; shard < shards; shard++) {
      const ExplicitHashKey = String(range * BigInt(shard) + 1n);
      aws.kinesis.handle('PutRecord', { StreamName: streamName, PartitionKey: 'k', ExplicitHashKey, Data: 'bGF0ZQ==' });
    }
    put.count += shards;
    if (put.count % (shards * 400) === 0) aws.kinesis.trim(streamName, { beforeMs: time.wallTime() - 60_000 });
    if (time.nowMs < untilMs) time.later(recordEveryMs, again);
  };
  time.later(0, again);
  return put;
}

function resultOf(
  { hours, workers, shards, load }: SteadyOptions,
  meter: CostMeter,
  warnings: readonly string[],
  records: number,
  bytes: number,
): SteadyResult {
  const costs = meter.costs();
  const { renewals, checkpoints, heartbeats, scans, mailReads, moves } = costs;
  const [leaseHours, workerHours] = [shards * hours, workers * hours];
  const rate = (count: number, per: number, predicted: number): { measured: number; predicted: number } => ({
    measured: Number((count / per).toFixed(2)),
    predicted: Number(predicted.toFixed(2)),
  });
  const renewed = hourMs / leases.renewIntervalMs;
  const mailed = hourMs / leases.mailIntervalMs;
  const [scanned, audited] = [hourMs / leases.scanIntervalMs, hourMs / auditIntervalMs];
  return {
    ...{ load, hours, workers, leases: shards, moves: moves.calls, warnings, records, costs },
    perLeaseHour: {
      writes: rate(renewals.calls + checkpoints.calls, leaseHours, renewed),
      writeUnits: rate(renewals.writeUnits + checkpoints.writeUnits, leaseHours, renewed),
    },
    perWorkerHour: {
      heartbeats: rate(heartbeats.calls, workerHours, renewed),
      scans: rate(scans.calls, workerHours, scanned + audited),
      mailReads: rate(mailReads.calls, workerHours, mailed),
      mailReadUnits: rate(mailReads.readUnits, workerHours, mailed / 2),
      scanReadUnits: rate(scans.readUnits, workerHours, (scanned / 2 + audited) * Math.ceil(bytes / 4_096)),
    },
  };
}
