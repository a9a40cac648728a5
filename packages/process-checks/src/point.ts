import type { Random } from '@millrace/core';
import { seededRandom } from '@millrace/core/testing';

/** What one worker process does until it is told to stop. */
export interface Life {
  readonly name: string;
  readonly seed: number;
  readonly checkpointing: 'automatic' | 'manual';
  /** How the worker stops. */
  readonly inFlight: 'abort' | 'finish';
  /** The processor acknowledges all that it has before its lease is given up. In manual mode only. */
  readonly flushes: boolean;
}

/** After what SIGTERM comes, some time later. */
export type Scene =
  /** The process listens to signals: the worker is about to begin. */
  | 'start'
  /** The worker is registered, and begins to take leases. */
  | 'registered'
  | 'first lease'
  | 'first records'
  /** A shard is split, or two are merged. */
  | 'reshard'
  /** The next worker begins before this one stops, so that leases are handed over meanwhile. */
  | 'hand-over';

/** One SIGTERM. */
export interface Point {
  readonly number: number;
  readonly scene: Scene;
  readonly delayMs: number;
  readonly life: Life;
}

/** How long after its scene SIGTERM comes at most, in milliseconds: by then what the scene begins is over, mostly. */
const scenes: Readonly<Record<Scene, number>> = {
  start: 500,
  registered: 500,
  'first lease': 300,
  'first records': 1_500,
  reshard: 1_500,
  'hand-over': 1_500,
};

const sceneNames = Object.keys(scenes) as readonly Scene[];

/** The same for the same seed. Every scene comes about equally often. */
export function planPoints(seed: number, count: number): readonly Point[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    const scene = sceneNames[Math.floor(random.next() * sceneNames.length)] ?? 'start';
    return { number, scene, delayMs: random.next() * scenes[scene], life: planLife(`p${String(number)}`, random) };
  });
}

function planLife(name: string, random: Random): Life {
  const seed = Math.floor(random.next() * 2 ** 32);
  const checkpointing = random.next() < 0.5 ? 'automatic' : 'manual';
  const inFlight = random.next() < 0.3 ? 'abort' : 'finish';
  return { name, seed, checkpointing, inFlight, flushes: random.next() < 0.5 };
}

/** Of a worker that is to deal with all that is left. */
export function lastLife(): Life {
  return { name: 'last', seed: 0, checkpointing: 'automatic', inFlight: 'finish', flushes: true };
}
