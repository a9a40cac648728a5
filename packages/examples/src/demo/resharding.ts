import { createHash } from 'node:crypto';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import {
  DescribeStreamSummaryCommand,
  ListShardsCommand,
  MergeShardsCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { byOrigin, type Flight } from './flights';
import { until } from './until';

export interface OpenShard {
  readonly shardId: string;
  readonly parentShardIds: readonly string[];
  readonly start: bigint;
  readonly end: bigint;
}

/** How many flights are still to come for one hash key. */
export interface Demand {
  readonly hashKey: bigint;
  readonly flights: number;
}

/** What the flights will bring, by the hash keys of their airports, in ascending order. */
export function demandOf(flights: readonly Flight[]): readonly Demand[] {
  return [...byOrigin(flights)]
    .map(([airport, group]) => ({ hashKey: hashKeyOf(airport), flights: group.length }))
    .sort((a, b) => (a.hashKey < b.hashKey ? -1 : 1));
}

/** The shard with the most to come, and where to cut it so that its children get even parts of that. */
export function chooseSplit(
  shards: readonly OpenShard[],
  demand: readonly Demand[],
): { readonly shardId: string; readonly newStartingHashKey: bigint } {
  const [busiest] = [...shards].sort((a, b) => sum(within(b, demand)) - sum(within(a, demand)));
  const keys = busiest === undefined ? [] : within(busiest, demand);
  const imbalance = (cut: number): number => Math.abs(sum(keys.slice(0, cut)) - sum(keys.slice(cut)));
  const [best] = keys
    .map((_, cut) => cut)
    .slice(1)
    .sort((a, b) => imbalance(a) - imbalance(b));
  const key = best === undefined ? undefined : keys[best];
  if (busiest === undefined || key === undefined) throw new Error('no shard has two airports to come');
  return { shardId: busiest.shardId, newStartingHashKey: key.hashKey };
}

/** The adjacent pair with the least to come, but for the children of one split: merging them would only undo it. */
export function chooseMerge(shards: readonly OpenShard[], demand: readonly Demand[]): readonly [string, string] {
  const sorted = [...shards].sort((a, b) => (a.start < b.start ? -1 : 1));
  const [best] = sorted
    .flatMap((left, index) => {
      const right = sorted[index + 1];
      if (right === undefined || left.parentShardIds.some((id) => right.parentShardIds.includes(id))) return [];
      const toCome = sum(within(left, demand)) + sum(within(right, demand));
      return toCome === 0 ? [] : [{ pair: [left.shardId, right.shardId] as const, toCome }];
    })
    .sort((a, b) => a.toCome - b.toCome);
  if (best === undefined) throw new Error('no two adjacent shards have flights to come');
  return best.pair;
}

/** Splits and merges as an operator would, and waits until the stream is active again. */
export class Resharding {
  constructor(
    private readonly kinesis: KinesisClient,
    private readonly streamName: string,
  ) {}

  async split(flightsToCome: readonly Flight[], signal: AbortSignal): Promise<string> {
    const { shardId, newStartingHashKey } = chooseSplit(await this.#openShards(), demandOf(flightsToCome));
    await this.kinesis.send(
      new SplitShardCommand({
        StreamName: this.streamName,
        ShardToSplit: shardId,
        NewStartingHashKey: String(newStartingHashKey),
      }),
    );
    await this.#active(signal);
    return shardId;
  }

  async merge(flightsToCome: readonly Flight[], signal: AbortSignal): Promise<readonly [string, string]> {
    const pair = chooseMerge(await this.#openShards(), demandOf(flightsToCome));
    await this.kinesis.send(
      new MergeShardsCommand({ StreamName: this.streamName, ShardToMerge: pair[0], AdjacentShardToMerge: pair[1] }),
    );
    await this.#active(signal);
    return pair;
  }

  async #openShards(): Promise<readonly OpenShard[]> {
    const { Shards: shards = [] } = await this.kinesis.send(new ListShardsCommand({ StreamName: this.streamName }));
    return shards
      .filter(({ SequenceNumberRange: range }) => range?.EndingSequenceNumber === undefined)
      .map((shard) => ({
        shardId: shard.ShardId ?? '',
        parentShardIds: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => id !== undefined),
        start: BigInt(shard.HashKeyRange?.StartingHashKey ?? 0),
        end: BigInt(shard.HashKeyRange?.EndingHashKey ?? 0),
      }));
  }

  async #active(signal: AbortSignal): Promise<void> {
    const command = new DescribeStreamSummaryCommand({ StreamName: this.streamName });
    await until({ limitMs: 10_000, everyMs: 20, signal }, async () => {
      const { StreamDescriptionSummary: summary } = await this.kinesis.send(command);
      return summary?.StreamStatus === 'ACTIVE' ? undefined : `the stream stays ${String(summary?.StreamStatus)}`;
    });
  }
}

function hashKeyOf(partitionKey: string): bigint {
  return BigInt(`0x${createHash('md5').update(partitionKey).digest('hex')}`);
}

function within({ start, end }: OpenShard, demand: readonly Demand[]): readonly Demand[] {
  return demand.filter(({ hashKey }) => hashKey >= start && hashKey <= end);
}

function sum(demand: readonly Demand[]): number {
  return demand.reduce((flights, key) => flights + key.flights, 0);
}
