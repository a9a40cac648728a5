import { describe, expect, it } from '@jest/globals';
import {
  type AssignmentPlan,
  evenPlan,
  type LeaseOptions,
  resolveLeaseOptions,
  type ResolvedLeaseOptions,
} from '../src';

const aPlan = (version: number): AssignmentPlan => ({ version, assign: () => new Map() });

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
      mailIntervalMs: 250,
      registry: true,
      plans: [evenPlan],
      maxLeases: Infinity,
      handoverTimeoutMs: 30_000,
      settleMs: 250,
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

  it('looks into the mailbox ten times a second at most, unless it is told otherwise', () => {
    expect(resolveLeaseOptions({ failoverTimeMs: 1_000 }, []).mailIntervalMs).toBe(100);
    expect(problemsOf({ mailIntervalMs: 50 })).toEqual([]);
  });

  it('keeps the built-in plan beside those that are given', () => {
    const plan = aPlan(2);
    expect(resolveLeaseOptions({ plans: [plan] }, []).plans).toEqual([evenPlan, plan]);
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
    [{ mailIntervalMs: 49 }, 'leases.mailIntervalMs (49) must be a whole number of milliseconds from 50 to 3600000'],
    [
      { mailIntervalMs: 2_501 },
      'leases.mailIntervalMs (2501) must be at most a quarter of leases.failoverTimeMs (10000)',
    ],
    [{ registry: 'no' as never }, 'leases.registry (no) must be true or false'],
    [{ plans: [aPlan(1)] }, 'leases.plans: there is another plan of version 1'],
    [{ plans: [aPlan(2), aPlan(2)] }, 'leases.plans: there is another plan of version 2'],
    [{ plans: [aPlan(1.5)] }, 'leases.plans: version 1.5 must be a whole number of 1 or more'],
    [{ plans: [{ version: 2 } as never] }, 'leases.plans: version 2 has no assign'],
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
