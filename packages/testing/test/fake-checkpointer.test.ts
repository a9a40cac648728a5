import { describe, expect, it } from '@jest/globals';
import { FakeCheckpointer, recordBatch } from '../src';

describe('a batch for the test of a processor alone', () => {
  it('has records with growing sequence numbers, and a checkpointer that knows them', async () => {
    const { records, checkpointer, lease } = recordBatch([{ data: 'one' }, { data: 'two', partitionKey: 'LH 400' }]);
    expect(records.map(({ partitionKey, data }) => [partitionKey, new TextDecoder().decode(data)])).toEqual([
      ['key', 'one'],
      ['LH 400', 'two'],
    ]);
    expect(lease).toEqual({ shardId: 'shardId-000000000000', fencingToken: 1 });
    await checkpointer.checkpoint(records[0]);
    await checkpointer.checkpoint();
    expect(checkpointer.stored.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      records.map(({ sequenceNumber }) => sequenceNumber),
    );
  });

  it('goes on from an earlier one with the same checkpointer', async () => {
    const checkpointer = new FakeCheckpointer();
    const first = recordBatch([{ data: '1' }], { checkpointer });
    const second = recordBatch([{ data: '2' }], { checkpointer });
    await checkpointer.checkpoint();
    await checkpointer.checkpoint(first.records[0]);
    expect(checkpointer.stored).toEqual([{ sequenceNumber: second.records[0]?.sequenceNumber, subSequenceNumber: 0 }]);
  });
});

describe('a fake checkpointer', () => {
  it('refuses a record that was not handed over, as the real one does', async () => {
    const { checkpointer } = recordBatch([{ data: '1' }]);
    const other = { sequenceNumber: `50${'0'.repeat(54)}`, subSequenceNumber: 0 };
    await expect(checkpointer.checkpoint(other)).rejects.toMatchObject({ code: 'CHECKPOINT_OUT_OF_RANGE' });
    expect(checkpointer.stored).toEqual([]);
  });

  it('fails when told to, once', async () => {
    const { checkpointer, records } = recordBatch([{ data: '1' }]);
    checkpointer.failNext('lost');
    checkpointer.failNext('failed');
    await expect(checkpointer.checkpoint()).rejects.toMatchObject({ code: 'LEASE_LOST', stored: 'no' });
    await expect(checkpointer.checkpoint()).rejects.toMatchObject({ code: 'CHECKPOINT_NOT_STORED' });
    await checkpointer.checkpoint();
    expect(checkpointer.stored).toEqual([{ sequenceNumber: records[0]?.sequenceNumber, subSequenceNumber: 0 }]);
  });
});
