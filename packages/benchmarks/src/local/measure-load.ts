import type { Kinesis } from '@aws-sdk/client-kinesis';
import type { Bounds, Tally } from '../repeat';
import type { ServerProcess } from '../server-process';
import { spreadOf, type Spread } from '../statistics';
import { kinesisClient } from './client';
import type { EmulatorName, Target } from './emulators';
import { Load, type LoadStream } from './load';
import type { Settings } from './settings';

export const phases = ['in', 'out', 'calls'] as const;
export type Phase = (typeof phases)[number];

/** What was done, and what it cost the emulator. */
export interface Figure {
  /** Records or calls. */
  readonly perSecond: Spread;
  /** Processor time of the emulator's process for a thousand of them. */
  readonly cpuMsPerThousand: Spread;
}

export interface Measurement {
  readonly target: Target;
  readonly shards: number;
  readonly figures: Readonly<Record<Phase, Figure>>;
}

/** Ends a run of a fast emulator before a slow machine runs out of memory. */
const maxRecordsIn = 60_000;
/** What is there to be read, or as much of it as the emulator takes in `fillSeconds`. */
const fillRecords = 48_000;
const fillSeconds = 3;
/** Of reading and asking; writing is warmed up by filling. */
const warmUpSeconds = 0.3;

interface Sample {
  readonly perSecond: number;
  readonly cpuMsPerThousand: number;
}

/** One target with its streams for one number of shards. */
interface Subject {
  readonly target: Target;
  readonly server: ServerProcess;
  readonly kinesis: Kinesis;
  readonly load: Load;
  readonly full: LoadStream;
  readonly empty: LoadStream;
  readonly samples: Record<Phase, Sample[]>;
}

export interface MeasureLoadContext {
  readonly settings: Settings;
  readonly servers: ReadonlyMap<EmulatorName, ServerProcess>;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/**
 * All targets at one number of shards. They take turns, run by run: a neighbour on the machine that slows it down for some
 * seconds then slows all of them down.
 */
export async function measureLoad(
  targets: readonly Target[],
  shards: number,
  context: MeasureLoadContext,
): Promise<readonly Measurement[]> {
  const { settings, progress } = context;
  const subjects: Subject[] = [];
  for (const target of targets) {
    progress(`${shards} shards: filling a stream of ${target.emulator} (${target.client})`);
    subjects.push(await prepare(target, shards, context));
  }
  for (let run = 1; run <= settings.runs; run++) {
    for (const subject of subjects) {
      const { emulator, client } = subject.target;
      await measureOnce(subject, run, context);
      const [rateIn, rateOut, calls] = phases.map((phase) => Math.round(subject.samples[phase].at(-1)?.perSecond ?? 0));
      progress(
        `${shards} shards, run ${run}: ${emulator} (${client}) ` +
          `${rateIn} records/s in, ${rateOut} out, ${calls} idle calls/s`,
      );
    }
  }
  for (const { load, full, empty, kinesis } of subjects) {
    await load.deleteStream(full);
    await load.deleteStream(empty);
    kinesis.destroy();
  }
  return subjects.map(({ target, samples }) => ({
    target,
    shards,
    figures: { in: figureOf(samples.in), out: figureOf(samples.out), calls: figureOf(samples.calls) },
  }));
}

async function prepare(
  target: Target,
  shards: number,
  { settings, servers, signal }: MeasureLoadContext,
): Promise<Subject> {
  const server = servers.get(target.emulator);
  if (server === undefined) throw new Error(`${target.emulator} is not running`);
  const kinesis = kinesisClient(target.client, server.ready.endpoint);
  const load = new Load(kinesis, signal);
  const full = await load.createStream(`full-${target.client}-${shards}`, shards);
  const empty = await load.createStream(`empty-${target.client}-${shards}`, shards);
  await load.put(full, { seconds: Math.min(fillSeconds, 3 * settings.seconds), maxCount: fillRecords });
  const warmUp = forSeconds(Math.min(warmUpSeconds, settings.seconds));
  await load.get(full, warmUp);
  await load.idle(empty, warmUp);
  return { target, server, kinesis, load, full, empty, samples: { in: [], out: [], calls: [] } };
}

/** Each run writes into a stream of its own, which is deleted, so that the emulators do not grow from run to run. */
async function measureOnce(subject: Subject, run: number, { settings, signal }: MeasureLoadContext): Promise<void> {
  const { target, load, full, empty, samples } = subject;
  const time = forSeconds(settings.seconds);
  const fresh = await load.createStream(`in-${target.client}-${full.shardIds.length}-${run}`, full.shardIds.length);
  const writing = { ...time, maxCount: maxRecordsIn };
  samples.in.push(await sampleOf(subject.server, signal, () => load.put(fresh, writing)));
  await load.deleteStream(fresh);
  samples.out.push(await sampleOf(subject.server, signal, () => load.get(full, time)));
  samples.calls.push(await sampleOf(subject.server, signal, () => load.idle(empty, time)));
}

async function sampleOf(server: ServerProcess, signal: AbortSignal, work: () => Promise<Tally>): Promise<Sample> {
  const cpuBeforeMs = await server.cpuMs(signal);
  const { count, seconds } = await work();
  const cpuMs = (await server.cpuMs(signal)) - cpuBeforeMs;
  return { perSecond: count / seconds, cpuMsPerThousand: (cpuMs / count) * 1_000 };
}

function figureOf(samples: readonly Sample[]): Figure {
  return {
    perSecond: spreadOf(samples.map((sample) => sample.perSecond)),
    cpuMsPerThousand: spreadOf(samples.map((sample) => sample.cpuMsPerThousand)),
  };
}

function forSeconds(seconds: number): Bounds {
  return { seconds, maxCount: Infinity };
}
