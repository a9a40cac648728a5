import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withEmulator } from '../support/emulator.mjs';
import { lastWords, runTool } from '../support/tool.mjs';

const timeoutMs = 60_000;
// Every byte there is.
const data = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

/** The command line, version 1 or 2: the one that INTEROP_AWS names, else `aws`. */
export async function awsCliChecks(section) {
  const command = process.env.INTEROP_AWS ?? 'aws';
  const probe = await runTool(command, ['--version'], { timeoutMs });
  if (probe.code !== 0) {
    return section.skipped(
      'everything',
      `${command} --version fails. python3 -m venv FOLDER && FOLDER/bin/pip install awscli, then INTEROP_AWS=FOLDER/bin/aws`,
    );
  }
  const [version = 'aws-cli'] = `${probe.stdout}${probe.stderr}`.split(' ');
  const folder = mkdtempSync(join(tmpdir(), 'millrace-aws-cli-'));
  try {
    await withEmulator(async ({ env }) => {
      const run = (args) =>
        runTool(command, [...args, '--output', 'json'], { timeoutMs, env: { ...env, AWS_MAX_ATTEMPTS: '1' } });
      await checkStream(section, version, folder, run);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkStream(section, version, folder, run) {
  /** What the command prints, read as JSON; nothing for those that print nothing. */
  const aws = async (line, ...more) => {
    const result = await run([...line.split(' '), ...more]);
    assert.equal(result.code, 0, lastWords(result));
    return result.stdout.trim() === '' ? undefined : JSON.parse(result.stdout);
  };
  const check = async (name, action) => {
    try {
      await action();
      section.ok(`${version}, ${name}`);
    } catch (error) {
      section.failed(`${version}, ${name}`, error.message.replaceAll('\n', ' '));
    }
  };
  const dataFile = join(folder, 'data');
  writeFileSync(dataFile, data);
  let put;

  await check('create-stream, and wait stream-exists', async () => {
    assert.equal(await aws('kinesis create-stream --stream-name flights --shard-count 2'), undefined);
    await aws('kinesis wait stream-exists --stream-name flights');
  });
  await check('list-shards', async () => {
    const { Shards } = await aws('kinesis list-shards --stream-name flights');
    assert.deepEqual(
      Shards.map(({ ShardId }) => ShardId),
      ['shardId-000000000000', 'shardId-000000000001'],
    );
  });
  await check('put-record', async () => {
    put = await aws('kinesis put-record --stream-name flights --partition-key LH400 --data', `fileb://${dataFile}`);
    assert.match(put.ShardId, /^shardId-\d{12}$/);
    assert.match(put.SequenceNumber, /^\d{50,}$/);
  });
  await check('get-shard-iterator and get-records', async () => {
    const { ShardId, SequenceNumber } = put;
    const { ShardIterator } = await aws(
      `kinesis get-shard-iterator --stream-name flights --shard-id ${ShardId} --shard-iterator-type AT_SEQUENCE_NUMBER`,
      ...['--starting-sequence-number', SequenceNumber],
    );
    const page = await aws('kinesis get-records --shard-iterator', ShardIterator);
    const [{ ApproximateArrivalTimestamp, ...record }, ...others] = page.Records;
    assert.deepEqual(record, { SequenceNumber, PartitionKey: 'LH400', Data: data.toString('base64') });
    // Seconds in version 1, a text in version 2.
    const arrivalMs =
      typeof ApproximateArrivalTimestamp === 'number'
        ? ApproximateArrivalTimestamp * 1000
        : Date.parse(ApproximateArrivalTimestamp);
    assert.ok(Math.abs(Date.now() - arrivalMs) < 60_000, `arrived at ${ApproximateArrivalTimestamp}`);
    assert.deepEqual({ others, behind: page.MillisBehindLatest }, { others: [], behind: 0 });
    assert.equal(typeof page.NextShardIterator, 'string');
  });
  await check('an error by its name', async () => {
    const result = await run(['kinesis', 'describe-stream-summary', '--stream-name', 'none']);
    assert.ok(result.code > 0, `exit code ${result.code}`);
    assert.match(result.stderr, /\(ResourceNotFoundException\).*Stream none under account \d{12} not found/);
  });
  await check('DynamoDB, create-table, put-item and get-item', async () => {
    await aws(
      'dynamodb create-table --table-name leases --billing-mode PAY_PER_REQUEST',
      ...['--attribute-definitions', 'AttributeName=leaseKey,AttributeType=S'],
      ...['--key-schema', 'AttributeName=leaseKey,KeyType=HASH'],
    );
    await aws('dynamodb wait table-exists --table-name leases');
    const item = { leaseKey: { S: 'shardId-000000000000' }, leaseCounter: { N: '7' }, owner: { NULL: true } };
    await aws('dynamodb put-item --table-name leases --item', JSON.stringify(item));
    const key = JSON.stringify({ leaseKey: item.leaseKey });
    const { Item } = await aws('dynamodb get-item --table-name leases --consistent-read --key', key);
    assert.deepEqual(Item, item);
  });
}
