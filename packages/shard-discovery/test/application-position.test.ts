import { describe, expect, it } from '@jest/globals';
import { aLease } from '@millrace/core/testing';
import { applicationPosition, latestMarginMs } from '../src';

describe('applicationPosition', () => {
  it('fixes LATEST as the time of the service less the margin', () => {
    expect(applicationPosition([], 'LATEST', 1_000_000)).toEqual({
      kind: 'moment',
      sentinel: 'latest',
      timestampMs: 1_000_000 - latestMarginMs,
    });
  });

  it('keeps the moment that the application started with, however late and with whatever options it comes back', () => {
    const leases = [aLease(), aLease({ initialTimestampMs: 500 }), aLease({ initialTimestampMs: 400 })];
    expect(applicationPosition(leases, 'LATEST', 1_000_000)).toMatchObject({ timestampMs: 400 });
    expect(applicationPosition(leases, 'TRIM_HORIZON', 1_000_000)).toMatchObject({ timestampMs: 400 });
    expect(applicationPosition(leases, { timestamp: new Date(9) }, 1_000_000)).toMatchObject({ timestampMs: 400 });
  });

  it('takes the position of the options for an application without leases', () => {
    expect(applicationPosition([], 'TRIM_HORIZON', 1)).toEqual({ kind: 'trim-horizon' });
    expect(applicationPosition([], { timestamp: new Date(9) }, 1)).toEqual({
      kind: 'moment',
      sentinel: 'at-timestamp',
      timestampMs: 9,
    });
  });
});
