import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { runStopPoints } from '../src/stop-points';

/** What a signal does to a process can only be seen on the built package. */
const directory = join(__dirname, '..', 'dist');
const stop = new AbortController();

afterEach(() => stop.abort());

describe('a worker process that gets SIGTERM', () => {
  it('ends by itself, leaves nothing open, and the next one goes on behind the last acknowledged record', async () => {
    if (!existsSync(join(directory, 'worker-script.js'))) throw new Error('not built: npm run build');
    const told: string[] = [];
    const seed = Math.floor(Math.random() * 2 ** 32);
    const summary = await runStopPoints({
      ...{ points: 16, lanes: 4, seed, directory, signal: stop.signal },
      progress: (line) => told.push(line),
    });
    const { points, failures } = summary;
    // `told` is what the processes have logged.
    expect({ seed, points, failures, told }).toEqual({ seed, points: 16, failures: [], told: [] });
    expect(summary.records).toBeGreaterThan(0);
  });
});
