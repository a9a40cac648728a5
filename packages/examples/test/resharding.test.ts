import { describe, expect, it } from '@jest/globals';
import { readFlights } from '../src/demo/flights';
import { chooseMerge, chooseSplit, demandOf, type OpenShard } from '../src/demo/resharding';

const shards: readonly OpenShard[] = [
  { shardId: 'left', parentShardIds: [], start: 0n, end: 99n },
  { shardId: 'right-a', parentShardIds: ['right'], start: 100n, end: 149n },
  { shardId: 'right-b', parentShardIds: ['right'], start: 150n, end: 199n },
];

function demand(...pairs: readonly (readonly [bigint, number])[]): ReturnType<typeof demandOf> {
  return pairs.map(([hashKey, flights]) => ({ hashKey, flights }));
}

describe('chooseSplit', () => {
  it('cuts the shard with the most to come where its two parts are most even', () => {
    const choice = chooseSplit(shards, demand([5n, 10], [20n, 4], [60n, 5], [120n, 12]));
    expect(choice).toEqual({ shardId: 'left', newStartingHashKey: 20n });
  });

  it('leaves both children something', () => {
    expect(chooseSplit(shards, demand([5n, 1], [99n, 1000])).newStartingHashKey).toBe(99n);
    expect(() => chooseSplit(shards, demand([5n, 1]))).toThrow('two airports');
  });
});

describe('chooseMerge', () => {
  it('takes the adjacent pair with the least to come, but not the two halves of one shard', () => {
    expect(chooseMerge(shards, demand([5n, 10], [120n, 1], [160n, 1]))).toEqual(['left', 'right-a']);
  });

  it('does not take a pair for which nothing is to come', () => {
    expect(() => chooseMerge(shards, demand([160n, 1]))).toThrow('no two adjacent shards');
  });
});

describe('demandOf', () => {
  it('puts airports where Kinesis puts their partition keys', () => {
    const flights = readFlights().filter(({ origin }) => origin === 'DFW');
    // md5sum of "DFW"
    expect(demandOf(flights)).toEqual([{ hashKey: 0xaf4e41ea70cda97b3e606647516dd6dbn, flights: 1103 }]);
  });
});
