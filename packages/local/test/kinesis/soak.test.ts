import { describe, expect, it, jest } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '@millrace/core';
import { KinesisEngine } from '../../src/kinesis/engine';
import { base64, Fixture, noControlPlaneRates, noReadRates, shardId } from './engine-fixture';
import { SoakClient } from './soak-client';
import { SoakModel } from './soak-model';

// Ends a test that hangs; none waits for time to pass.
jest.setTimeout(90_000);

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

function usedHeapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** How much more the second half is on average than the first. */
function growth(values: readonly number[]): number {
  const half = Math.floor(values.length / 2);
  return mean(values.slice(half)) / mean(values.slice(0, half)) - 1;
}

/** A clock that a loop turns, without anything to wake up. */
function turnedClock(): Clock & { turn(ms: number): void } {
  let nowMs = 0;
  return {
    now: () => nowMs,
    wallTime: () => 1_700_000_000_000 + nowMs,
    after: () => () => undefined,
    sleep: async () => undefined,
    turn: (ms) => {
      nowMs += ms;
    },
  };
}

/** An hour of two clients. Throws if the stream holds anything else than it must. */
function soak(
  seed: number,
  measureHeap = () => 0,
): { readonly heapBytes: readonly number[]; readonly accepted: number } {
  const clock = turnedClock();
  const fixture = new Fixture({ clock, shardCount: 4, limits: noReadRates });
  // Here shards come and go, and their records with them; there they stay, and only trimming frees anything.
  fixture.engine.addStream('steady', 1);
  const model = new SoakModel(fixture);
  const clients = ['one', 'two'].map((name, index) => new SoakClient(name, seed + index, fixture.engine, model));
  const heapBytes: number[] = [];
  for (let second = 1; second <= 3600; second++) {
    clock.turn(1000);
    for (const client of clients) client.act();
    if (second % 30 === 0) model.checkWalk();
    if (second % 120 === 0) {
      // What is left may be large or small by chance: only what ought to be gone is compared.
      fixture.engine.trim('steady');
      model.trim();
      fixture.engine.updateShardCount('flights', 4);
      model.trim();
      if (second >= 600 && second % 240 === 0) heapBytes.push(measureHeap());
    }
  }
  return { heapBytes, accepted: model.accepted };
}

describe('an hour of two clients', () => {
  it('loses and repeats nothing', () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    try {
      expect(soak(seed).accepted).toBeGreaterThan(5000);
    } catch (error) {
      throw new Error(`with seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  });

  // How large the heap is depends on what is done: a bound that a seed keeps, another one might not.
  it.each([1, 2])('keeps nothing, with seed %i', (seed) => {
    expect(growth(soak(seed, usedHeapBytes).heapBytes)).toBeLessThan(0.05);
  });
});

describe('memory', () => {
  it('is given back for expired records and closed shards that nobody looks at', () => {
    const clock = turnedClock();
    const limits = { writeBytesPerSecond: Infinity, ...noControlPlaneRates };
    const engine = new KinesisEngine({ clock, limits });
    engine.addStream('busy', 1);
    engine.addStream('other', 1);
    const heapBytes: number[] = [];
    for (let day = 0; day < 60; day++) {
      const Records = Array.from({ length: 10 }, (_, index) => ({
        Data: base64(`${day}:${index}`.padEnd(100_000)),
        PartitionKey: 'k',
      }));
      engine.handle('PutRecords', { StreamName: 'busy', Records });
      const [left = '', right = ''] = engine.split('busy', shardId(3 * day));
      engine.merge('busy', left, right);
      clock.turn(25 * 3_600_000);
      engine.handle('PutRecord', { StreamName: 'other', Data: '', PartitionKey: 'k' });
      if (day >= 20 && day % 4 === 0) heapBytes.push(usedHeapBytes());
    }
    expect(growth(heapBytes)).toBeLessThan(0.05);
  });

  it('is given back for streams that were deleted, and for their names', () => {
    const clock = turnedClock();
    const engine = new KinesisEngine({ clock, limits: noControlPlaneRates });
    const cycle = (from: number, count: number): void => {
      for (let index = from; index < from + count; index++) {
        const StreamName = `stream-${index}`.padEnd(128, '.');
        engine.addStream(StreamName, 1);
        engine.handle('DeleteStream', { StreamName });
        clock.turn(1000);
      }
    };
    cycle(0, 2000);
    const before = usedHeapBytes();
    cycle(2000, 30_000);
    expect(usedHeapBytes() / before - 1).toBeLessThan(0.05);
  });
});
