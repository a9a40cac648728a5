import { describe, expect, it } from '@jest/globals';
import { compareSequenceNumbers } from '@millrace/core';
import fc from 'fast-check';
import { base64, Fixture, shardId, stream, texts, transitionMs } from './engine-fixture';

type Step =
  | { readonly do: 'put'; readonly keys: readonly number[] }
  | { readonly do: 'split' | 'merge'; readonly which: number }
  | { readonly do: 'read'; readonly limit: number }
  | { readonly do: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      keys: fc.array(fc.nat(11), { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('split' as const, 'merge' as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), limit: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(400) }) },
);

/** Reads a stream as a consumer does: a child begins once all its parents have been read to their end. */
class Walk {
  readonly seen = new Map<string, string[]>();
  readonly finished = new Set<string>();
  readonly #iterators = new Map<string, string>();

  constructor(private readonly fixture: Fixture) {
    for (const id of fixture.listIds({ Type: 'AT_TRIM_HORIZON' })) this.#start(id);
  }

  /** Reads one page of every shard in hand; returns how many records there were. */
  readAll(limit: number): number {
    let count = 0;
    for (const [id, iterator] of [...this.#iterators]) {
      const page = this.fixture.page(iterator, limit);
      this.seen.set(id, [...(this.seen.get(id) ?? []), ...texts(page)]);
      count += page.Records.length;
      if (page.NextShardIterator !== undefined) {
        this.#iterators.set(id, page.NextShardIterator);
        continue;
      }
      this.#iterators.delete(id);
      this.finished.add(id);
      for (const child of page.ChildShards ?? []) {
        if (child.ParentShards.every((parent) => this.finished.has(parent))) this.#start(child.ShardId);
      }
    }
    return count;
  }

  #start(id: string): void {
    this.#iterators.set(id, this.fixture.iterator({ ShardId: id, ShardIteratorType: 'TRIM_HORIZON' }));
  }
}

async function run(steps: readonly Step[]): Promise<void> {
  const fixture = new Fixture({
    shardCount: 2,
    limits: {
      writeRecordsPerSecond: 20,
      getRecordsCallsPerSecond: Infinity,
      getShardIteratorCallsPerSecond: Infinity,
    },
  });
  const accepted = new Map<string, { text: string; sequenceNumber: string }[]>();
  const walk = new Walk(fixture);
  let written = 0;
  for (const step of steps) {
    if (step.do === 'put') {
      const keys = step.keys.map((key) => `key-${key}`);
      const records = keys.map((key) => ({ PartitionKey: key, text: `${key}:${written++}` }));
      const output = fixture.engine.handle('PutRecords', {
        ...stream,
        Records: records.map(({ PartitionKey, text }) => ({ PartitionKey, Data: base64(text) })),
      });
      for (const [index, result] of output.Records.entries()) {
        if ('ErrorCode' in result) continue;
        const inShard = accepted.get(result.ShardId) ?? [];
        inShard.push({ text: records[index]?.text ?? '', sequenceNumber: result.SequenceNumber });
        accepted.set(result.ShardId, inShard);
      }
    } else if (step.do === 'read') {
      walk.readAll(step.limit);
    } else if (step.do === 'wait') {
      await fixture.clock.advance(step.ms);
    } else {
      await reshard(fixture, step.do, step.which);
    }
  }
  for (;;) {
    const finishedBefore = walk.finished.size;
    if (walk.readAll(3) === 0 && walk.finished.size === finishedBefore) break;
  }
  assertReadOnceInOrder(walk, accepted);
}

async function reshard(fixture: Fixture, kind: 'merge' | 'split', which: number): Promise<void> {
  const open = fixture
    .list({ ...stream, ShardFilter: { Type: 'AT_LATEST' } })
    .Shards.map((shard) => ({
      id: shard.ShardId,
      start: BigInt(shard.HashKeyRange.StartingHashKey),
      end: BigInt(shard.HashKeyRange.EndingHashKey),
    }))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const chosen = open[which % open.length]!;
  if (kind === 'split') {
    await fixture.split(chosen.id, ((chosen.start + chosen.end) / 2n).toString());
    return;
  }
  const next = open.find((shard) => shard.start === chosen.end + 1n);
  if (next !== undefined) await fixture.merge(chosen.id, next.id);
}

function assertReadOnceInOrder(
  walk: Walk,
  accepted: ReadonlyMap<string, readonly { text: string; sequenceNumber: string }[]>,
): void {
  const everyNumber = new Set<string>();
  for (const [id, records] of accepted) {
    expect(walk.seen.get(id)).toEqual(records.map((record) => record.text));
    for (const [index, { sequenceNumber }] of records.entries()) {
      everyNumber.add(sequenceNumber);
      if (index > 0) expect(compareSequenceNumbers(records[index - 1]!.sequenceNumber, sequenceNumber)).toBeLessThan(0);
    }
  }
  const total = [...accepted.values()].reduce((sum, records) => sum + records.length, 0);
  expect(everyNumber.size).toBe(total);
  expect([...walk.seen.values()].flat()).toHaveLength(total);
}

describe('the engine', () => {
  it('gives every accepted record exactly once, in order, whatever is split and merged in between', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), run), { numRuns: 60 });
  });

  it('keeps the open shards a partition of the hash keys', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('split' as const, 'merge' as const), fc.nat(20)), { maxLength: 20 }),
        async (changes) => {
          const fixture = new Fixture({ shardCount: 3 });
          for (const [kind, which] of changes) await reshard(fixture, kind, which);
          const open = fixture
            .list({ ...stream, ShardFilter: { Type: 'AT_LATEST' } })
            .Shards.map(({ HashKeyRange: range }) => [BigInt(range.StartingHashKey), BigInt(range.EndingHashKey)])
            .sort(([a], [b]) => (a! < b! ? -1 : 1));
          expect(open[0]?.[0]).toBe(0n);
          expect(open.at(-1)?.[1]).toBe((1n << 128n) - 1n);
          for (let index = 1; index < open.length; index++) expect(open[index]![0]).toBe(open[index - 1]![1]! + 1n);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('answers whatever it is asked with an output or an error of the service', async () => {
    const fixture = new Fixture();
    const operation = fc.constantFrom(
      ...['CreateStream', 'DeleteStream', 'DescribeStream', 'DescribeStreamSummary', 'ListStreams', 'ListShards'],
      ...['PutRecord', 'PutRecords', 'GetShardIterator', 'GetRecords', 'SplitShard', 'MergeShards', '__proto__'],
    );
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('flights', shardId(0), 'LATEST', 'AT_TIMESTAMP', '0', 1, 'YQ=='),
    );
    const member = fc.constantFrom(
      ...[
        'StreamName',
        'StreamARN',
        'ShardCount',
        'Limit',
        'MaxResults',
        'NextToken',
        'ShardFilter',
        'Data',
        'Records',
      ],
      ...['PartitionKey', 'ExplicitHashKey', 'ShardId', 'ShardIteratorType', 'Timestamp', 'StartingSequenceNumber'],
      ...['ShardIterator', 'ShardToSplit', 'NewStartingHashKey', 'StreamCreationTimestamp', 'Type'],
    );
    const input = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(member, value).map((fields) => ({ StreamName: 'flights', ...fields })),
    );
    await fc.assert(
      fc.asyncProperty(operation, input, async (name, fields) => {
        try {
          fixture.engine.dispatch(name, fields);
        } catch (error) {
          expect(error).toMatchObject({ statusCode: 400 });
        }
        await fixture.clock.advance(transitionMs);
      }),
      { numRuns: 300 },
    );
  });
});
