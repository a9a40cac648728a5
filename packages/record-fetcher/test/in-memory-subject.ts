import type { Shard } from '@millrace/core';
import { ManualClock } from '@millrace/core/testing';
import { InMemoryKinesisReader } from '@millrace/record-fetcher/testing';
import { SHARD } from './reading';
import type { ReaderContractSubject } from './kinesis-reader-contract';

export function childrenOf(parent: string): Shard[] {
  return [1, 2].map((number) => ({
    shardId: `shardId-00000000000${String(number)}`,
    parentShardIds: [parent],
    hashKeyRange: { start: String(number * 10), end: String(number * 10 + 9) },
    startingSequenceNumber: undefined,
    endingSequenceNumber: undefined,
  }));
}

/** All of a contract subject but the reader, over a twin. */
export function inMemorySubject(): Omit<ReaderContractSubject, 'reader'> & {
  twin: InMemoryKinesisReader;
  clock: ManualClock;
} {
  const clock = new ManualClock();
  const twin = new InMemoryKinesisReader({ clock });
  twin.addShard(SHARD);
  return {
    twin,
    clock,
    shardId: SHARD,
    put: async (count) => {
      for (let index = 0; index < count; index++) twin.put(SHARD, { data: Uint8Array.of(index) });
    },
    split: async () => {
      const children = childrenOf(SHARD);
      twin.closeShard(SHARD, children);
      return children.map(({ shardId }) => shardId);
    },
    wait: (delayMs) => clock.advance(delayMs),
    expireIterators: async () => twin.expireIterators(),
  };
}
