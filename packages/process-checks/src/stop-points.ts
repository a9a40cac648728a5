import { join } from 'node:path';
import { Aws } from './aws';
import { Lane, type Failure } from './lane';
import { planPoints, type Point, type Scene } from './point';

/** Of each stream, at first. */
const shardCount = 4;

export interface StopPointsOptions {
  readonly points: number;
  readonly seed: number;
  /** So many processes are stopped side by side, each of an application of its own. */
  readonly lanes: number;
  /** Where the built scripts are. */
  readonly directory: string;
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface StopPointsSummary {
  readonly seed: number;
  /** Those at which SIGTERM was sent. */
  readonly points: number;
  readonly failures: readonly Failure[];
  readonly scenes: Readonly<Partial<Record<Scene, number>>>;
  readonly aborts: number;
  /** From SIGTERM to the end of the process, in milliseconds. */
  readonly exitMs: { readonly p50: number; readonly p99: number; readonly max: number } | undefined;
  /** Handed to user code. */
  readonly records: number;
  readonly seconds: number;
}

/** A progress line each time so many points are done. */
const progressEvery = 20;

/** Stops real worker processes at random points. Leaves nothing running behind. */
export async function runStopPoints(options: StopPointsOptions): Promise<StopPointsSummary> {
  const { seed, directory, progress, signal } = options;
  const beganAtMs = performance.now();
  const points = planPoints(seed, options.points);
  const names = Array.from({ length: options.lanes }, (_, index) => `lane-${String(index + 1)}`);
  const done: Point[] = [];
  const exitMs: number[] = [];
  const failures: Failure[] = [];
  const onPoint = (point: Point, tookMs: number | undefined): void => {
    done.push(point);
    if (tookMs !== undefined) exitMs.push(tookMs);
    if (done.length % progressEvery === 0)
      progress(`${done.length} of ${points.length} points, ${failures.length} failures`);
  };
  const onFailure = (failure: Failure): void => {
    failures.push(failure);
    progress(`point ${failure.point}: ${failure.what}`);
  };
  const aws = await Aws.start(join(directory, 'aws-process.js'), { streams: names, shardCount, seed });
  try {
    const lanes = names.map((name, lane) => {
      const own = points.filter((_, index) => index % names.length === lane);
      return new Lane({ aws, directory, name, points: own, onPoint, onFailure, progress, signal });
    });
    const ends = await Promise.allSettled(lanes.map((lane) => lane.run()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return {
      ...{ seed, points: done.length, failures },
      scenes: countsOf(done.map(({ scene }) => scene)),
      aborts: done.filter(({ life }) => life.inFlight === 'abort').length,
      exitMs: percentilesOf(exitMs),
      records: lanes.reduce((sum, { records }) => sum + records, 0),
      seconds: Math.round((performance.now() - beganAtMs) / 100) / 10,
    };
  } finally {
    await aws.close();
  }
}

function countsOf<T extends string>(names: readonly T[]): Readonly<Partial<Record<T, number>>> {
  const counts: Partial<Record<T, number>> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function percentilesOf(values: readonly number[]): StopPointsSummary['exitMs'] {
  const sorted = values.map(Math.round).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
  return sorted.length === 0 ? undefined : { p50: at(0.5), p99: at(0.99), max: at(1) };
}
