import type { ProcessRecordsInput, RecordProcessor } from 'millrace';
import type { TotalsTable } from './totals-table';

/** Keeps flights, delay and worst delay of every airport up to date. One for each shard that the worker reads. */
export class DelayTotals implements RecordProcessor {
  constructor(private readonly totals: TotalsTable) {}

  async processRecords({ records, checkpointer }: ProcessRecordsInput): Promise<void> {
    await this.totals.add(records); // stored, idempotent by each record's position …
    await checkpointer.checkpoint(); // … before it is acknowledged
  }
}
