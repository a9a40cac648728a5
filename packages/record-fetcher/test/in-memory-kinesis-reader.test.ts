import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@millrace/core/testing';
import { InMemoryKinesisReader } from '@millrace/record-fetcher/testing';
import { childrenOf, inMemorySubject } from './in-memory-subject';
import { kinesisReaderContract } from './kinesis-reader-contract';

kinesisReaderContract('InMemoryKinesisReader', async () => {
  const { twin, ...subject } = inMemorySubject();
  return { ...subject, reader: twin };
});

describe('the read limits of InMemoryKinesisReader', () => {
  it('refuse the sixth call in a second, and calls before the bytes of the last answer are paid for', async () => {
    const clock = new ManualClock();
    const reader = new InMemoryKinesisReader({ clock, enforceReadLimits: true });
    reader.addShard('s');
    const iterator = await reader.getShardIterator({ shardId: 's', position: { kind: 'trim-horizon' } });
    const read = (): Promise<unknown> => reader.getRecords({ shardId: 's', iterator, limit: 100 });
    for (let call = 0; call < 5; call++) await read();
    await expect(read()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });
    await clock.advance(2_000);
    reader.put('s', ...Array.from({ length: 12 }, () => ({ data: new Uint8Array(999_999), partitionKey: 'k' })));
    expect(await read()).toMatchObject({ records: { length: 10 } });
    await clock.advance(4_999);
    await expect(read()).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException' });
    await clock.advance(1);
    expect(await read()).toMatchObject({ records: { length: 10 } });
  });

  it('are off unless asked for', async () => {
    const reader = new InMemoryKinesisReader({ clock: new ManualClock() });
    reader.addShard('s');
    reader.closeShard('s', childrenOf('s'));
    const iterator = await reader.getShardIterator({ shardId: 's', position: { kind: 'trim-horizon' } });
    for (let call = 0; call < 20; call++) await reader.getRecords({ shardId: 's', iterator, limit: 1 });
    expect(reader.calls).toHaveLength(21);
  });
});
