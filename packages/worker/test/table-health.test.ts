import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@millrace/core/testing';
import { TableHealth } from '../src/table-health';

const failoverTimeMs = 10_000;

describe('TableHealth', () => {
  it('has no problem as long as nothing has failed', () => {
    expect(new TableHealth(new ManualClock(), failoverTimeMs).problem).toBeUndefined();
  });

  it('has a failed read until the table was read', async () => {
    const clock = new ManualClock();
    const table = new TableHealth(clock, failoverTimeMs);
    table.failed('list');
    table.written();
    await clock.advance(10 * failoverTimeMs);
    expect(table.problem).toBe('the lease table fails: list');
    table.read();
    expect(table.problem).toBeUndefined();
  });

  it('has a failed write until a write is answered, however often the table is read', () => {
    const table = new TableHealth(new ManualClock(), failoverTimeMs);
    table.failed('renew');
    table.read();
    expect(table.problem).toBe('the lease table fails: renew');
    table.written();
    expect(table.problem).toBeUndefined();
  });

  it('forgets a failed write that was not tried again for a failover time', async () => {
    const clock = new ManualClock();
    const table = new TableHealth(clock, failoverTimeMs);
    table.failed('take');
    await clock.advance(failoverTimeMs - 1);
    table.failed('take');
    await clock.advance(failoverTimeMs - 1);
    expect(table.problem).toBe('the lease table fails: take');
    await clock.advance(1);
    expect(table.problem).toBeUndefined();
  });
});
