import { describe, expect, it, jest } from '@jest/globals';
import { compareSequenceNumbers } from '@millrace/core';
import fc from 'fast-check';
import {
  base64,
  faultInCover,
  Fixture,
  noControlPlaneRates,
  noReadRates,
  refusal,
  shardId,
  stream,
  streamArn,
  texts,
  transitionMs,
} from './engine-fixture';

// Ends a test that hangs; none waits for time to pass.
jest.setTimeout(90_000);

type Step =
  | { readonly do: 'put'; readonly keys: readonly number[] }
  | { readonly do: 'split' | 'merge'; readonly which: number }
  | { readonly do: 'scale'; readonly count: number }
  | { readonly do: 'trim'; readonly backMs: number | undefined }
  | { readonly do: 'expire'; readonly all: boolean }
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
  { weight: 1, arbitrary: fc.record({ do: fc.constant('scale' as const), count: fc.integer({ min: 1, max: 9 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('trim' as const), backMs: fc.option(fc.nat(2000), { nil: undefined }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), all: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), limit: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(400) }) },
);

interface Accepted {
  readonly text: string;
  readonly shardId: string;
  readonly sequenceNumber: string;
}

/**
 * Reads a stream as a consumer does: a child begins once all its parents have been read to their end or are gone. An iterator
 * that has expired is asked for again, behind the last record.
 */
class Walk {
  readonly seen = new Map<string, string[]>();
  readonly #iterators = new Map<string, string>();
  readonly #lastNumbers = new Map<string, string>();

  constructor(private readonly fixture: Fixture) {
    this.#startAtHorizon();
  }

  /** Reads one page of every shard in hand; returns whether there was anything new. */
  readAll(limit: number): boolean {
    let isNew = false;
    for (const id of [...this.#iterators.keys()]) isNew = this.#read(id, limit) || isNew;
    return this.#startAtHorizon() || isNew;
  }

  #read(id: string, limit: number): boolean {
    const iterator = this.#iterators.get(id);
    switch (refusal(() => this.fixture.page(iterator, limit))) {
      case 'ExpiredIteratorException':
        this.#iterators.set(id, this.#iteratorFor(id));
        return true;
      case 'ResourceNotFoundException':
        this.#iterators.delete(id);
        return true;
      default:
    }
    const page = this.fixture.page(iterator, limit);
    this.seen.set(id, [...(this.seen.get(id) ?? []), ...texts(page)]);
    this.#lastNumbers.set(id, page.Records.at(-1)?.SequenceNumber ?? this.#lastNumbers.get(id) ?? '');
    if (page.NextShardIterator !== undefined) {
      this.#iterators.set(id, page.NextShardIterator);
      return page.Records.length > 0;
    }
    expect(page.ChildShards).not.toEqual([]);
    this.#iterators.delete(id);
    return true;
  }

  /** Starts every shard that has no parent left to be read. */
  #startAtHorizon(): boolean {
    const listed = this.fixture.list().Shards;
    const unread = new Set(listed.map((shard) => shard.ShardId).filter((id) => !this.seen.has(id)));
    for (const id of this.#iterators.keys()) unread.add(id);
    const ready = listed.filter(
      ({ ShardId, ParentShardId = '', AdjacentParentShardId = '' }) =>
        !this.seen.has(ShardId) && !unread.has(ParentShardId) && !unread.has(AdjacentParentShardId),
    );
    for (const { ShardId } of ready) {
      this.seen.set(ShardId, []);
      this.#iterators.set(ShardId, this.#iteratorFor(ShardId));
    }
    return ready.length > 0;
  }

  #iteratorFor(id: string): string {
    const last = this.#lastNumbers.get(id) ?? '';
    if (last === '') return this.fixture.iterator({ ShardId: id, ShardIteratorType: 'TRIM_HORIZON' });
    try {
      return this.fixture.iterator({
        ShardId: id,
        ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
        StartingSequenceNumber: last,
      });
    } catch {
      // The shard is gone: the old iterator says so too.
      return this.#iterators.get(id) ?? '';
    }
  }
}

/** What was put and accepted, and what of it has been trimmed. */
class Ledger {
  readonly accepted: Accepted[] = [];
  readonly #trimmed = new Set<string>();

  constructor(private readonly fixture: Fixture) {}

  put(keys: readonly number[]): void {
    const records = keys.map((key, index) => ({ key: `key-${key}`, text: `${key}:${this.accepted.length}:${index}` }));
    const openIds = this.fixture.openRanges().map(({ id }) => id);
    const output = this.fixture.engine.handle('PutRecords', {
      ...stream,
      Records: records.map(({ key, text }) => ({ PartitionKey: key, Data: base64(text) })),
    });
    for (const [index, result] of output.Records.entries()) {
      if ('ErrorCode' in result) continue;
      const { ShardId, SequenceNumber } = result;
      expect(openIds).toContain(ShardId);
      this.accepted.push({ text: records[index]?.text ?? '', shardId: ShardId, sequenceNumber: SequenceNumber });
    }
  }

  /** Trims, and finds out from the log what is gone: never anything newer than what stays. */
  trim(backMs: number | undefined): void {
    const beforeMs = this.fixture.clock.wallTime() - (backMs ?? 0);
    this.fixture.engine.trim('flights', backMs === undefined ? {} : { beforeMs });
    for (const id of new Set(this.accepted.map((record) => record.shardId))) {
      const left = this.fixture.engine.recordsAfter('flights', id);
      const all = this.accepted.filter((record) => record.shardId === id);
      if (backMs === undefined) expect(left).toBe(0);
      for (const { text } of all.slice(0, all.length - left)) this.#trimmed.add(text);
    }
  }

  /** Every record that was not trimmed has been seen, none twice, and those of a shard in their order. */
  check(walk: Walk): void {
    const numbers = this.accepted.map((record) => record.sequenceNumber);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const [id, seen] of walk.seen) {
      const inShard = this.accepted.filter((record) => record.shardId === id);
      const expected = inShard.map((record) => record.text);
      const missing = expected.filter((text) => !seen.includes(text));
      expect(missing.filter((text) => !this.#trimmed.has(text))).toEqual([]);
      expect(seen).toEqual(expected.filter((text) => !missing.includes(text)));
      for (const [index, { sequenceNumber }] of inShard.entries()) {
        if (index === 0) continue;
        expect(compareSequenceNumbers(inShard[index - 1]!.sequenceNumber, sequenceNumber)).toBeLessThan(0);
      }
    }
    const seen = new Set([...walk.seen.values()].flat());
    expect(this.accepted.filter(({ text }) => !seen.has(text) && !this.#trimmed.has(text))).toEqual([]);
  }
}

async function run(steps: readonly Step[]): Promise<void> {
  const fixture = new Fixture({
    shardCount: 2,
    limits: { ...noReadRates, ...noControlPlaneRates, writeRecordsPerSecond: 20, shardCountUpdatesPerDay: Infinity },
  });
  const ledger = new Ledger(fixture);
  const walk = new Walk(fixture);
  for (const step of steps) {
    await perform(step, fixture, ledger, walk);
    expect(faultInCover(fixture.openRanges())).toBeUndefined();
  }
  while (walk.readAll(3));
  ledger.check(walk);
}

async function perform(step: Step, fixture: Fixture, ledger: Ledger, walk: Walk): Promise<void> {
  switch (step.do) {
    case 'put': {
      ledger.put(step.keys);
      return;
    }
    case 'read':
      walk.readAll(step.limit);
      return;
    case 'wait':
      return fixture.clock.advance(step.ms);
    case 'trim': {
      ledger.trim(step.backMs);
      return;
    }
    case 'expire': {
      fixture.engine.expireIterators(step.all ? undefined : 'flights');
      return;
    }
    case 'scale':
      return scale(fixture, step.count);
    case 'split':
    case 'merge':
      return reshard(fixture, step.do, step.which);
  }
}

async function scale(fixture: Fixture, count: number): Promise<void> {
  const current = fixture.openRanges().length;
  const TargetShardCount = Math.min(2 * current, Math.max(Math.ceil(current / 2), count));
  fixture.engine.handle('UpdateShardCount', { ...stream, TargetShardCount, ScalingType: 'UNIFORM_SCALING' });
  await fixture.clock.advance(transitionMs);
  expect(fixture.openRanges()).toHaveLength(TargetShardCount);
}

async function reshard(fixture: Fixture, kind: 'merge' | 'split', which: number): Promise<void> {
  const open = fixture.openRanges();
  const chosen = open[which % open.length]!;
  if (kind === 'split') {
    await fixture.split(chosen.id, ((chosen.start + chosen.end) / 2n).toString());
    return;
  }
  const next = open.find((shard) => shard.start === chosen.end + 1n);
  if (next === undefined) return;
  const [shard, adjacent] = which % 2 === 0 ? [chosen.id, next.id] : [next.id, chosen.id];
  await fixture.merge(shard, adjacent);
}

describe('the engine', () => {
  it('gives every accepted record that is not trimmed exactly once, in order, whatever happens to its shards', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), run), { numRuns: 100 });
  });

  it('answers whatever it is asked with an output or an error of the service', async () => {
    const fixture = new Fixture({ limits: noControlPlaneRates });
    const operation = fc.constantFrom(
      ...['CreateStream', 'DeleteStream', 'DescribeStream', 'DescribeStreamSummary', 'ListStreams', 'ListShards'],
      ...['PutRecord', 'PutRecords', 'GetShardIterator', 'GetRecords', 'SplitShard', 'MergeShards', '__proto__'],
      ...['UpdateShardCount', 'UpdateStreamMode', 'UpdateMaxRecordSize', 'AddTagsToStream', 'RemoveTagsFromStream'],
      ...['ListTagsForStream', 'TagResource', 'UntagResource', 'ListTagsForResource', 'DescribeLimits'],
    );
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('flights', shardId(0), 'LATEST', 'AT_TIMESTAMP', '0', 1, 'YQ==', 'UNIFORM_SCALING'),
      fc.constantFrom(streamArn, { StreamMode: 'ON_DEMAND' }, { 'aws:a': 'b' }, { a: 'b' }, ['a'], 2048),
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
      ...[
        'TargetShardCount',
        'ScalingType',
        'StreamModeDetails',
        'MaxRecordSizeInKiB',
        'Tags',
        'TagKeys',
        'ResourceARN',
      ],
    );
    const input = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(member, value).map((fields) => ({ StreamName: 'flights', ...fields })),
    );
    await fc.assert(
      fc.asyncProperty(operation, input, async (name, fields) => {
        expect(() => fixture.engine.targetOf(name, fields)).not.toThrow();
        try {
          fixture.engine.dispatch(name, fields, { emptyPage: true });
        } catch (error) {
          expect(error).toMatchObject({ statusCode: 400 });
        }
        await fixture.clock.advance(transitionMs);
      }),
      { numRuns: 300 },
    );
  });
});
