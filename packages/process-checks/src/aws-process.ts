import { inspect } from 'node:util';
import { seededRandom } from '@millrace/core/testing';
import { startLocalAws, unlimitedRates, type LocalAws } from '@millrace/local';
import { settingsFromParent, type AwsAnswers, type AwsQuestion, type AwsSettings, type LeaseRow } from './messages';
import { NumberedStream } from './numbered-stream';

/** Serves Kinesis and DynamoDB, and puts records into all streams all the time. */

/** Between two rounds of puts. */
const putIntervalMs = 30;

type Item = Readonly<Record<string, Readonly<{ S?: string; N?: string }> | undefined>>;

async function main({ streams: names, shardCount, seed }: AwsSettings): Promise<void> {
  const aws = await startLocalAws({
    streams: names.map((name) => ({ name, shardCount })),
    limits: unlimitedRates,
    // A reshard takes effect at once, and so never between a look at the shards and the puts into them.
    streamTransitionMs: 0,
  });
  const random = seededRandom(seed);
  const streams = new Map(names.map((name) => [name, new NumberedStream(aws.kinesis, name, random)]));
  setInterval(() => {
    for (const stream of streams.values()) stream.put();
  }, putIntervalMs);
  process.on('message', (question: AwsQuestion) => process.send?.(answer(question, aws, streams)));
  process.send?.({ kinesisEndpoint: aws.kinesisEndpoint, dynamodbEndpoint: aws.dynamodbEndpoint });
}

function answer(
  question: AwsQuestion,
  aws: LocalAws,
  streams: ReadonlyMap<string, NumberedStream>,
): AwsAnswers[AwsQuestion['kind']] {
  if (question.kind === 'rows') return rowsOf(aws, question.tableName, [...streams.values()]);
  const stream = streams.get(question.stream);
  if (stream === undefined) throw new Error(`there is no stream ${question.stream}`);
  return question.kind === 'reshard' ? { kind: stream.reshard() } : stream.end();
}

/** As docs/lease-table.md has them, and not by the code under test. */
function rowsOf(aws: LocalAws, TableName: string, streams: readonly NumberedStream[]): readonly LeaseRow[] {
  const { TableNames } = aws.dynamodb.handle('ListTables', {}) as { readonly TableNames: readonly string[] };
  if (!TableNames.includes(TableName)) return [];
  const { Items } = aws.dynamodb.handle('Scan', { TableName, ConsistentRead: true });
  return (Items as readonly Item[])
    .filter(({ entityType }) => entityType === undefined || entityType.S === 'LEASE')
    .map(({ leaseKey, leaseOwner, checkpointOwner, checkpoint, checkpointSubSequenceNumber }) => {
      const shardId = leaseKey?.S ?? '';
      const [sequenceNumber, sub] = [checkpoint?.S ?? '', Number(checkpointSubSequenceNumber?.N)];
      const stream = streams.find(({ name }) => name === TableName);
      const position = sequenceNumber === 'SHARD_END' ? 'shard end' : stream?.positionOf(shardId, sequenceNumber, sub);
      return { shardId, owner: checkpointOwner?.S ?? leaseOwner?.S, position };
    });
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
// However hard the parent was killed.
process.once('disconnect', () => process.exit(0));
main(settingsFromParent() as AwsSettings).catch((error: unknown) => {
  process.stderr.write(`${inspect(error)}\n`);
  process.exit(1);
});
