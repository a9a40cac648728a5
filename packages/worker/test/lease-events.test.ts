import { describe, expect, it } from '@jest/globals';
import { ManualClock, RecordingLogger } from '@millrace/core/testing';
import type { LeaseObserverEvents } from '@millrace/lease-coordinator';
import { leaseEvents } from '../src/lease-events';
import { TableHealth } from '../src/table-health';
import { WorkerEmitter } from '../src/worker-emitter';

const listed = { leases: 3, held: 1, durationMs: 5 };

function begin(): { readonly table: TableHealth; readonly events: LeaseObserverEvents } {
  const table = new TableHealth(new ManualClock(), 10_000);
  return { table, events: leaseEvents(new WorkerEmitter(new RecordingLogger()), table, () => undefined) };
}

describe("the coordinator's reports", () => {
  it.each(['renew', 'checkpoint', 'take', 'release'])(
    'keep a failed %s as a problem while the table is read',
    (write) => {
      const { table, events } = begin();
      events.tableFailing?.({ operation: write, error: new Error('denied') });
      events.listed?.(listed);
      expect(table.problem).toBe(`the lease table fails: ${write}`);
    },
  );

  it.each(['list', 'get-mailed'])('end the problem of a failed %s when the table was read', (read) => {
    const { table, events } = begin();
    events.tableFailing?.({ operation: read, error: new Error('away') });
    expect(table.problem).toBe(`the lease table fails: ${read}`);
    events.listed?.(listed);
    expect(table.problem).toBeUndefined();
  });

  it('end the problem of a failed write when a write was answered', () => {
    const { table, events } = begin();
    events.tableFailing?.({ operation: 'renew', error: new Error('denied') });
    events.written?.({ operation: 'renew' });
    expect(table.problem).toBeUndefined();
  });

  it('do not take a lost lease for a write that got through', () => {
    const { table, events } = begin();
    events.tableFailing?.({ operation: 'renew', error: new Error('denied') });
    events.lost?.({ leaseKey: 'a', abandoned: false });
    expect(table.problem).toBeDefined();
  });
});
