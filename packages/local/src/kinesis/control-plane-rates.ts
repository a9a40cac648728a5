import type { Clock } from '@millrace/core';
import type { KinesisLimits } from './limits';
import type { OperationName } from './operation-types';
import { KinesisServiceError } from './service-error';
import { TokenBucket } from './token-bucket';

/** The operations whose calls are counted per account. Those that are counted per stream or shard count for themselves. */
const limitOf: { readonly [Name in OperationName]?: keyof KinesisLimits } = {
  AddTagsToStream: 'addTagsToStreamCallsPerSecond',
  CreateStream: 'createStreamCallsPerSecond',
  DeleteStream: 'deleteStreamCallsPerSecond',
  DescribeLimits: 'describeLimitsCallsPerSecond',
  DescribeStream: 'describeStreamCallsPerSecond',
  DescribeStreamSummary: 'describeStreamSummaryCallsPerSecond',
  ListStreams: 'listStreamsCallsPerSecond',
  ListTagsForResource: 'listTagsForResourceCallsPerSecond',
  ListTagsForStream: 'listTagsForStreamCallsPerSecond',
  MergeShards: 'mergeShardsCallsPerSecond',
  RemoveTagsFromStream: 'removeTagsFromStreamCallsPerSecond',
  SplitShard: 'splitShardCallsPerSecond',
  TagResource: 'tagResourceCallsPerSecond',
  UntagResource: 'untagResourceCallsPerSecond',
  UpdateShardCount: 'updateShardCountCallsPerSecond',
};

/** How often an account may call the operations that make, change and describe streams. */
export class ControlPlaneRates {
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(
    clock: Clock,
    private readonly limits: KinesisLimits,
    private readonly accountId: string,
  ) {
    for (const [name, limit] of Object.entries(limitOf)) this.#buckets.set(name, new TokenBucket(clock, limits[limit]));
  }

  /** Refuses a call above the rate. */
  admit(name: OperationName): void {
    const limit = limitOf[name];
    if (limit === undefined || this.#buckets.get(name)?.has(1) !== false) return;
    throw new KinesisServiceError(
      'LimitExceededException',
      `Rate exceeded for account ${this.accountId}: ${this.limits[limit]} ${name} calls per second.`,
    );
  }

  /** To be called when the call has succeeded: one that is refused, for whatever reason, costs nothing. */
  count(name: OperationName): void {
    this.#buckets.get(name)?.take(1);
  }
}
