import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kinesis, ListShardsCommandOutput } from '@aws-sdk/client-kinesis';

/** The most that one PutRecords may carry (its API reference). */
const recordsPerPut = 500;
const pollMs = 10;

interface Shard {
  readonly shardId: string;
  readonly startingHashKey: string;
}

/** A stream whose shards all get the same records: the numbers from 0 on. */
export class NumberedStream {
  #produced = 0;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  private constructor(
    readonly name: string,
    private readonly shards: readonly Shard[],
    private readonly kinesis: Kinesis,
    private readonly signal: AbortSignal,
  ) {}

  /** Once it is ACTIVE. */
  static async create(
    kinesis: Kinesis,
    name: string,
    shardCount: number,
    signal: AbortSignal,
  ): Promise<NumberedStream> {
    // Each call under way listens to it.
    setMaxListeners(0, signal);
    const call = { abortSignal: signal };
    await kinesis.createStream({ StreamName: name, ShardCount: shardCount }, call);
    while (true) {
      const { StreamDescriptionSummary: summary } = await kinesis.describeStreamSummary({ StreamName: name }, call);
      if (summary?.StreamStatus === 'ACTIVE') break;
      await sleep(pollMs, undefined, { signal });
    }
    const shards: Shard[] = [];
    let position: { StreamName: string } | { NextToken: string } | undefined = { StreamName: name };
    while (position !== undefined) {
      const page: ListShardsCommandOutput = await kinesis.listShards(position, call);
      for (const { ShardId: shardId, HashKeyRange: range } of page.Shards ?? []) {
        if (shardId === undefined || range?.StartingHashKey === undefined) throw new Error('a shard without a range');
        shards.push({ shardId, startingHashKey: range.StartingHashKey });
      }
      position = page.NextToken === undefined ? undefined : { NextToken: page.NextToken };
    }
    return new NumberedStream(name, shards, kinesis, signal);
  }

  get shardIds(): readonly string[] {
    return this.shards.map(({ shardId }) => shardId);
  }

  /** How many records each shard has got, counting those that are on their way. */
  get produced(): number {
    return this.#produced;
  }

  /** Puts the next number into every shard. */
  async putRound(): Promise<void> {
    const Data = Buffer.from(String(this.#produced++));
    for (let from = 0; from < this.shards.length; from += recordsPerPut) {
      const Records = this.shards
        .slice(from, from + recordsPerPut)
        .map(({ shardId, startingHashKey }) => ({ Data, PartitionKey: shardId, ExplicitHashKey: startingHashKey }));
      const put = { StreamName: this.name, Records };
      const { FailedRecordCount: failed = 0 } = await this.kinesis.putRecords(put, { abortSignal: this.signal });
      if (failed > 0) throw new Error(`${failed} of ${Records.length} records were refused: a limit is on`);
    }
  }

  /** Goes on putting, one round in each period, until `stopProducing`. Once only. */
  startProducing(periodMs: number, onFailure: (error: unknown) => void): void {
    const until = AbortSignal.any([this.signal, this.#stopping.signal]);
    const produce = async (): Promise<void> => {
      for (let round = performance.now(); !until.aborted; round += periodMs) {
        await this.putRound();
        // Aborted: that is the end.
        await sleep(Math.max(0, round + periodMs - performance.now()), undefined, { signal: until }).catch(
          () => undefined,
        );
      }
    };
    this.#loop = produce().catch(onFailure);
  }

  /** Resolves once every record that was counted is in the stream. */
  async stopProducing(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async delete(): Promise<void> {
    await this.stopProducing();
    await this.kinesis.deleteStream({ StreamName: this.name }, { abortSignal: this.signal });
  }
}
