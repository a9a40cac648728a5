import { describe, expect, it } from '@jest/globals';
import { seenBetween } from '../../src/processing/run-beside-server';

describe('what a server saw of a process', () => {
  it('is by its own clock, from when the process began to measure; connections are the most at any moment, also before', () => {
    const from = { atMs: 1_000, cpuMs: 500, getRecordsCalls: 70, mostConnections: 9 };
    const until = { atMs: 3_000, cpuMs: 1_000, getRecordsCalls: 1_070, mostConnections: 4 };
    expect(seenBetween(from, until)).toEqual({ serverCores: 0.25, callsPerSecond: 500, connections: 9 });
    expect(seenBetween(from, { ...until, mostConnections: 12 }).connections).toBe(12);
  });
});
