import { expect } from '@jest/globals';
import type { KinesisEngine } from '../../src/kinesis/engine';
import type { OperationOutput } from '../../src/kinesis/operation-types';
import { faultInCover, stream, type Fixture, type OpenRange } from './engine-fixture';

export interface AcceptedRecord {
  readonly shardId: string;
  readonly text: string;
  readonly sequenceNumber: string;
  /** When it was put: it arrived then, or a few milliseconds later. */
  readonly putAtMs: number;
}

type Page = OperationOutput<'GetRecords'>;

/** What the stream must hold: every accepted record that was not trimmed, by shard, in the order of acceptance. */
export class SoakModel {
  readonly #records = new Map<string, AcceptedRecord[]>();
  accepted = 0;

  constructor(private readonly fixture: Pick<Fixture, 'list' | 'openRanges'> & { readonly engine: KinesisEngine }) {}

  accept(shardId: string, text: string, sequenceNumber: string): void {
    const inShard = this.#records.get(shardId) ?? [];
    inShard.push({ shardId, text, sequenceNumber, putAtMs: this.fixture.engine.wallTime() });
    this.#records.set(shardId, inShard);
    this.accepted++;
  }

  openRanges(): readonly OpenRange[] {
    return this.fixture.openRanges();
  }

  /** One of the records, by a number in [0, 1). */
  pick(share: number): AcceptedRecord | undefined {
    const shards = [...this.#records.values()];
    const inShard = shards[Math.floor(share * shards.length)] ?? [];
    return inShard[Math.floor(((share * 1000) % 1) * inShard.length)];
  }

  /** Trims all, or what was put more than so many seconds ago. Puts are at full seconds: halves tell them apart. */
  trim(keepSeconds?: number): void {
    if (keepSeconds === undefined) {
      this.fixture.engine.trim('flights');
      this.#records.clear();
      return;
    }
    const beforeMs = this.fixture.engine.wallTime() - keepSeconds * 1000 - 500;
    this.fixture.engine.trim('flights', { beforeMs });
    for (const [shardId, records] of this.#records) {
      const left = records.filter((record) => record.putAtMs > beforeMs);
      if (left.length === 0) this.#records.delete(shardId);
      else this.#records.set(shardId, left);
    }
  }

  /** A page that was read from behind a record holds those that follow it. */
  checkPage({ shardId, sequenceNumber }: AcceptedRecord, page: Page): void {
    const inShard = this.#records.get(shardId) ?? [];
    const index = inShard.findIndex((record) => record.sequenceNumber === sequenceNumber) + 1;
    const following = inShard.slice(index, index + page.Records.length);
    expect(textsOf(page)).toEqual(following.map((record) => record.text));
    if (page.MillisBehindLatest === 0) expect(inShard.length).toBe(index + page.Records.length);
  }

  /** Reads the whole stream from the trim horizon, parents before children, and compares. */
  checkWalk(): void {
    expect(faultInCover(this.openRanges())).toBeUndefined();
    const parentsOf = new Map(
      this.fixture
        .list()
        .Shards.map(({ ShardId, ParentShardId, AdjacentParentShardId }) => [
          ShardId,
          [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined),
        ]),
    );
    const read = this.#walk(parentsOf);
    expect([...read.keys()].sort()).toEqual([...parentsOf.keys()]);
    const expected = [...this.#records].map(([id, records]) => [id, records.map((record) => record.text)] as const);
    expect([...read].filter(([, texts]) => texts.length > 0).sort()).toEqual(expected.sort());
  }

  /** What is in each shard. Goes from shard to shard as GetRecords says; a shard that comes twice is a failure. */
  #walk(parentsOf: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
    const childrenOf = new Map<string, string[]>();
    for (const [id, parents] of parentsOf) {
      for (const parent of parents) childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), id]);
    }
    const read = new Map<string, readonly string[]>();
    const isRead = (parent: string): boolean => read.has(parent) || !parentsOf.has(parent);
    const unread = [...parentsOf].filter(([, parents]) => parents.every(isRead)).map(([id]) => id);
    for (let id = unread.shift(); id !== undefined; id = unread.shift()) {
      const { texts, children } = this.#readShard(id);
      if (read.has(id)) throw new Error(`the walk comes to ${id} twice`);
      read.set(id, texts);
      const listed = childrenOf.get(id) ?? [];
      if (children.join() !== listed.join()) throw new Error(`${id} has ${listed.join()}, but says ${children.join()}`);
      unread.push(...children.filter((child) => parentsOf.get(child)?.every(isRead)));
    }
    return read;
  }

  #readShard(ShardId: string): { readonly texts: readonly string[]; readonly children: readonly string[] } {
    const { engine } = this.fixture;
    const texts: string[] = [];
    let iterator = engine.handle('GetShardIterator', {
      ...stream,
      ShardId,
      ShardIteratorType: 'TRIM_HORIZON',
    }).ShardIterator;
    for (;;) {
      const page = engine.handle('GetRecords', { ShardIterator: iterator, Limit: 100 });
      texts.push(...textsOf(page));
      if (page.NextShardIterator === undefined) {
        return { texts, children: page.ChildShards?.map((child) => child.ShardId) ?? [] };
      }
      if (page.MillisBehindLatest === 0) return { texts, children: [] };
      iterator = page.NextShardIterator;
    }
  }
}

function textsOf(page: Page): readonly string[] {
  return page.Records.map((record) => Buffer.from(record.Data, 'base64').toString().trimEnd());
}
