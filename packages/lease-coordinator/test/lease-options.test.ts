import { describe, expect, it } from '@jest/globals';
import { type LeaseOptions, resolveLeaseOptions, type ResolvedLeaseOptions } from '../src';

function problemsOf(options: LeaseOptions): string[] {
  const problems: string[] = [];
  resolveLeaseOptions(options, problems);
  return problems;
}

describe('resolveLeaseOptions', () => {
  it('has defaults', () => {
    const problems: string[] = [];
    expect(resolveLeaseOptions(undefined, problems)).toEqual({
      failoverTimeMs: 10_000,
      renewIntervalMs: 3_333,
      scanIntervalMs: 2_000,
      maxLeases: Infinity,
      handoverTimeoutMs: 30_000,
      expiryMarginMs: 500,
      abortMarginMs: 1_000,
      driftMarginMs: 250,
      callTimeoutMs: 2_500,
    } satisfies ResolvedLeaseOptions);
    expect(problems).toEqual([]);
  });

  it('derives the intervals from the failover time, within their limits', () => {
    for (const failoverTimeMs of [1_000, 1_001, 7_777, 60_000, 3_600_000]) {
      expect(problemsOf({ failoverTimeMs })).toEqual([]);
    }
  });

  it.each<[LeaseOptions, string]>([
    [
      { failoverTimeMs: 999 },
      'leases.failoverTimeMs (999) must be a whole number of milliseconds from 1000 to 3600000',
    ],
    [
      { renewIntervalMs: 5_000 },
      'leases.renewIntervalMs (5000) must be at most a third of leases.failoverTimeMs (10000)',
    ],
    [
      { scanIntervalMs: 2_501 },
      'leases.scanIntervalMs (2501) must be at most a quarter of leases.failoverTimeMs (10000)',
    ],
    [{ scanIntervalMs: 0 }, 'leases.scanIntervalMs (0) must be a whole number of milliseconds from 100 to 3600000'],
    [{ maxLeases: 0 }, 'leases.maxLeases (0) must be a whole number of 1 or more, or Infinity'],
    [{ maxLeases: NaN }, 'leases.maxLeases (NaN) must be a whole number of 1 or more, or Infinity'],
    [
      { handoverTimeoutMs: 1.5 },
      'leases.handoverTimeoutMs (1.5) must be a whole number of milliseconds from 100 to 3600000',
    ],
  ])('refuses %j', (options, problem) => {
    expect(problemsOf(options)).toEqual([problem]);
  });

  it('says everything that is wrong at once', () => {
    expect(problemsOf({ renewIntervalMs: 9_000, scanIntervalMs: 9_000, maxLeases: -1 })).toHaveLength(3);
  });
});
