import type { Kinesis } from '@aws-sdk/client-kinesis';
import type { Bench } from '../bench';
import { casesOf, rule, type ContractCase, type Operation, type Rule } from '../contract-case';
import { invalid, malformed, notFound, outcomeOf, refused, same } from '../expectations';

/** How a call names its stream. */
export interface StreamReference {
  readonly StreamName?: string;
  readonly StreamARN?: string;
}

type Call = (kinesis: Kinesis, reference: StreamReference) => Promise<unknown>;

const shardId = 'shardId-000000000000';

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
  GetShardIterator: (kinesis, reference) =>
    kinesis.getShardIterator({ ...reference, ShardId: shardId, ShardIteratorType: 'TRIM_HORIZON' }),
  SplitShard: (kinesis, reference) =>
    kinesis.splitShard({ ...reference, ShardToSplit: shardId, NewStartingHashKey: '1000' }),
  MergeShards: (kinesis, reference) =>
    kinesis.mergeShards({ ...reference, ShardToMerge: shardId, AdjacentShardToMerge: 'shardId-000000000001' }),
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
async function streamFor(bench: Bench, operation: Operation): Promise<string> {
  if (readOnly.has(operation)) return bench.sharedStream();
  const name = await bench.stream(2);
  if (operation !== 'DecreaseStreamRetentionPeriod') return name;
  await bench.kinesis.increaseStreamRetentionPeriod({ StreamName: name, RetentionPeriodHours: 48 });
  await bench.untilActive(name);
  return name;
}

function byNameOrArn(operation: Operation, call: Call): readonly ContractCase[] {
  return casesOf(operation, [
    rule('takes a StreamARN in the place of a StreamName', async (bench) => {
      const name = await streamFor(bench, operation);
      same('the call', await outcomeOf(call(bench.kinesis, { StreamARN: await bench.arnOf(name) })), 'accepted');
    }),
    rule('takes StreamName and StreamARN together', async (bench) => {
      const name = await streamFor(bench, operation);
      const reference = { StreamName: name, StreamARN: await bench.arnOf(name) };
      same('the call', await outcomeOf(call(bench.kinesis, reference)), 'accepted');
    }),
    rule('answers ResourceNotFoundException for a StreamName that no stream has', async (bench) => {
      await refused(call(bench.kinesis, { StreamName: bench.newName() }), notFound);
    }),
    rule('answers ResourceNotFoundException for a StreamARN that no stream has', async (bench) => {
      await refused(call(bench.kinesis, { StreamARN: await bench.missingArn() }), notFound);
    }),
    rule('needs a StreamName or a StreamARN', async (bench) => {
      await refused(call(bench.kinesis, {}), invalid);
    }),
    rule(
      'refuses a StreamName that is empty, too long, or has other characters than a-z, A-Z, 0-9, _ . -',
      async (bench) => {
        for (const name of ['', 'x'.repeat(129), 'flight delays', 'flight/delays', 'Verspätungen']) {
          await refused(call(bench.kinesis, { StreamName: name }), invalid, `'${name.slice(0, 20)}'`);
          await bench.rest(250);
        }
      },
    ),
    rule('refuses a StreamARN that is none', async (bench) => {
      await refused(call(bench.kinesis, { StreamARN: malformed('flights') }), invalid);
    }),
  ]);
}

function byArn(
  operation: Operation,
  call: (kinesis: Kinesis, arn: string | undefined) => Promise<unknown>,
): readonly ContractCase[] {
  const rules: readonly Rule[] = [
    rule('answers ResourceNotFoundException for an ARN that no stream has', async (bench) => {
      await refused(call(bench.kinesis, await bench.missingArn()), notFound);
    }),
    rule('refuses an ARN that is none', async (bench) => {
      await refused(call(bench.kinesis, 'flights'), invalid);
    }),
    rule('needs an ARN', async (bench) => {
      await refused(call(bench.kinesis, undefined), invalid);
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
