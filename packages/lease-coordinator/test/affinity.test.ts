import { describe, expect, it } from '@jest/globals';
import { affinity } from '../src/affinity';
import { shard } from './lease-view-builder';

describe('affinity', () => {
  it('is the same for everybody, and differs by lease and by worker', () => {
    expect(affinity(shard(1), 'w-1')).toBe(affinity(shard(1), 'w-1'));
    expect(affinity(shard(1), 'w-1')).not.toBe(affinity(shard(2), 'w-1'));
    expect(affinity(shard(1), 'w-1')).not.toBe(affinity(shard(1), 'w-2'));
  });

  it('spreads leases evenly over workers whose names differ in one digit', () => {
    const workers = Array.from({ length: 4 }, (_, index) => `host-${String(index)}/4711/abc`);
    const best = Array.from({ length: 4_000 }, (_, index) => {
      const ranks = workers.map((worker) => affinity(shard(index), worker));
      return ranks.indexOf(Math.max(...ranks));
    });
    for (const worker of workers.keys()) {
      const share = best.filter((index) => index === worker).length;
      expect(share).toBeGreaterThan(850);
      expect(share).toBeLessThan(1_150);
    }
  });
});
