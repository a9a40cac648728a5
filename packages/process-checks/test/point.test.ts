import { describe, expect, it } from '@jest/globals';
import { planPoints } from '../src/point';

describe('planPoints', () => {
  it('plans the same for the same seed, and something else for another', () => {
    expect(planPoints(7, 50)).toEqual(planPoints(7, 50));
    expect(planPoints(8, 50)).not.toEqual(planPoints(7, 50));
  });

  it('meets every scene, both ways to acknowledge and both ways to stop', () => {
    const points = planPoints(1, 200);
    expect(new Set(points.map(({ scene }) => scene)).size).toBe(6);
    expect(new Set(points.map(({ life }) => life.checkpointing)).size).toBe(2);
    expect(new Set(points.map(({ life }) => life.inFlight)).size).toBe(2);
    expect(new Set(points.map(({ life }) => life.name)).size).toBe(200);
  });
});
