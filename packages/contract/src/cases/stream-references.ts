import type { Kinesis } from '@aws-sdk/client-kinesis';
import { idOf, type CaseContext } from '../case-context';
import { casesOf, rule, type ContractCase, type Operation, type Rule } from '../contract-case';
import { invalid, malformed, notFound, outcomeOf, refused, same } from '../expectations';
import { likelySecondShardId, likelyShardId } from './fixtures';

/** How a call names its stream. */
export interface StreamReference {
  readonly StreamName?: string;
  readonly StreamARN?: string;
}

/** Of the first two shards, as far as there are any. */
type ShardIds = readonly [string, string];

type Call = (kinesis: Kinesis, reference: StreamReference, shardIds: ShardIds) => Promise<unknown>;

/** For calls that name no stream which has shards. */
const likelyShardIds: ShardIds = [likelyShardId, likelySecondShardId];

/** For each operation that takes a name or an ARN, a call that is right in all else, for a stream of two shards. */
const callsByNameOrArn: Readonly<Partial<Record<Operation, Call>>> = {
  DeleteStream: (kinesis, reference) => kinesis.deleteStream(reference),
  DescribeStream: (kinesis, reference) => kinesis.describeStream(reference),
  DescribeStreamSummary: (kinesis, reference) => kinesis.describeStreamSummary(reference),
  ListShards: (kinesis, reference) => kinesis.listShards(reference),
  PutRecord: (kinesis, reference) =>
    kinesis.putRecord({ ...reference, Data: Buffer.from('data'), PartitionKey: 'key' }),
  PutRecords: (kinesis, reference) =>
    kinesis.putRecords({ ...reference, Records: [{ Data: Buffer.from('data'), PartitionKey: 'key' }] }),
  GetShardIterator: (kinesis, reference, [shardId]) =>
    kinesis.getShardIterator({ ...reference, ShardId: shardId, ShardIteratorType: 'TRIM_HORIZON' }),
  SplitShard: (kinesis, reference, [shardId]) =>
    kinesis.splitShard({ ...reference, ShardToSplit: shardId, NewStartingHashKey: '1000' }),
  MergeShards: (kinesis, reference, [shardId, adjacentId]) =>
    kinesis.mergeShards({ ...reference, ShardToMerge: shardId, AdjacentShardToMerge: adjacentId }),
  UpdateShardCount: (kinesis, reference) =>
    kinesis.updateShardCount({ ...reference, TargetShardCount: 1, ScalingType: 'UNIFORM_SCALING' }),
  IncreaseStreamRetentionPeriod: (kinesis, reference) =>
    kinesis.increaseStreamRetentionPeriod({ ...reference, RetentionPeriodHours: 48 }),
  DecreaseStreamRetentionPeriod: (kinesis, reference) =>
    kinesis.decreaseStreamRetentionPeriod({ ...reference, RetentionPeriodHours: 24 }),
  AddTagsToStream: (kinesis, reference) => kinesis.addTagsToStream({ ...reference, Tags: { team: 'delays' } }),
  RemoveTagsFromStream: (kinesis, reference) => kinesis.removeTagsFromStream({ ...reference, TagKeys: ['team'] }),
  ListTagsForStream: (kinesis, reference) => kinesis.listTagsForStream(reference),
};

/** The same for operations that take nothing but an ARN. */
const callsByArn: Readonly<
  Partial<Record<Operation, (kinesis: Kinesis, arn: string | undefined) => Promise<unknown>>>
> = {
  UpdateStreamMode: (kinesis, arn) =>
    kinesis.updateStreamMode({ StreamARN: arn, StreamModeDetails: { StreamMode: 'ON_DEMAND' } }),
  UpdateMaxRecordSize: (kinesis, arn) => kinesis.updateMaxRecordSize({ StreamARN: arn, MaxRecordSizeInKiB: 2048 }),
  TagResource: (kinesis, arn) => kinesis.tagResource({ ResourceARN: arn, Tags: { team: 'delays' } }),
  UntagResource: (kinesis, arn) => kinesis.untagResource({ ResourceARN: arn, TagKeys: ['team'] }),
  ListTagsForResource: (kinesis, arn) => kinesis.listTagsForResource({ ResourceARN: arn }),
};

/** Streams that a call by ARN changes can't be shared. */
const readOnly: ReadonlySet<Operation> = new Set([
  'DescribeStream',
  'DescribeStreamSummary',
  'ListShards',
  'GetShardIterator',
  'ListTagsForStream',
  'ListTagsForResource',
]);

/** A stream that the operation can be done to. */
async function streamFor(context: CaseContext, operation: Operation): Promise<string> {
  if (readOnly.has(operation)) return context.sharedStream();
  const name = await context.stream(2);
  if (operation !== 'DecreaseStreamRetentionPeriod') return name;
  await context.kinesis.increaseStreamRetentionPeriod({ StreamName: name, RetentionPeriodHours: 48 });
  await context.untilActive(name);
  return name;
}

async function shardIdsOf(context: CaseContext, name: string): Promise<ShardIds> {
  return [idOf(await context.shard(name, 0)), idOf(await context.shard(name, 1))];
}

function byNameOrArn(operation: Operation, call: Call): readonly ContractCase[] {
  return casesOf(operation, [
    rule('takes a StreamARN in the place of a StreamName', async (context) => {
      const name = await streamFor(context, operation);
      same(
        'the call',
        await outcomeOf(
          call(context.kinesis, { StreamARN: await context.arnOf(name) }, await shardIdsOf(context, name)),
        ),
        'accepted',
      );
    }),
    rule('takes StreamName and StreamARN together', async (context) => {
      const name = await streamFor(context, operation);
      const reference = { StreamName: name, StreamARN: await context.arnOf(name) };
      same('the call', await outcomeOf(call(context.kinesis, reference, await shardIdsOf(context, name))), 'accepted');
    }),
    rule('answers ResourceNotFoundException for a StreamName that no stream has', async (context) => {
      await refused(call(context.kinesis, { StreamName: context.newName() }, likelyShardIds), notFound);
    }),
    rule('answers ResourceNotFoundException for a StreamARN that no stream has', async (context) => {
      await refused(call(context.kinesis, { StreamARN: await context.missingArn() }, likelyShardIds), notFound);
    }),
    rule('needs a StreamName or a StreamARN', async (context) => {
      await refused(call(context.kinesis, {}, likelyShardIds), invalid);
    }),
    rule(
      'refuses a StreamName that is empty, too long, or has other characters than a-z, A-Z, 0-9, _ . -',
      async (context) => {
        for (const name of ['', 'x'.repeat(129), 'flight delays', 'flight/delays', 'Verspätungen']) {
          await refused(call(context.kinesis, { StreamName: name }, likelyShardIds), invalid, `'${name.slice(0, 20)}'`);
          await context.rest(250);
        }
      },
    ),
    rule('refuses a StreamARN that is none', async (context) => {
      await refused(call(context.kinesis, { StreamARN: malformed('flights') }, likelyShardIds), invalid);
    }),
  ]);
}

function byArn(
  operation: Operation,
  call: (kinesis: Kinesis, arn: string | undefined) => Promise<unknown>,
): readonly ContractCase[] {
  const rules: readonly Rule[] = [
    rule('answers ResourceNotFoundException for an ARN that no stream has', async (context) => {
      await refused(call(context.kinesis, await context.missingArn()), notFound);
    }),
    rule('refuses an ARN that is none', async (context) => {
      await refused(call(context.kinesis, 'flights'), invalid);
    }),
    rule('needs an ARN', async (context) => {
      await refused(call(context.kinesis, undefined), invalid);
    }),
  ];
  // The page of UpdateMaxRecordSize says that its ARN is not required, and not what happens without.
  return casesOf(operation, operation === 'UpdateMaxRecordSize' ? rules.slice(0, 2) : rules);
}

/** How streams are named, for every operation that names one. */
export const streamReferenceCases: readonly ContractCase[] = [
  ...Object.entries(callsByNameOrArn).flatMap(([operation, call]) => byNameOrArn(operation as Operation, call)),
  ...Object.entries(callsByArn).flatMap(([operation, call]) => byArn(operation as Operation, call)),
];
