import type { StreamMode } from '@aws-sdk/client-kinesis';
import { isOpen, idOf, type CaseContext } from '../case-context';
import { apiPage, casesOf, modesPage, needing, rule } from '../contract-case';
import { inUse, invalid, malformed, nameOf, outcomeOf, overLimit, refused, same } from '../expectations';
import { bytes, hourMs, kibibyte, mebibyte } from './fixtures';

async function setMode(context: CaseContext, name: string, mode: StreamMode): Promise<void> {
  const arn = await context.arnOf(name);
  await context.kinesis.updateStreamMode({ StreamARN: arn, StreamModeDetails: { StreamMode: mode } });
}

async function modeSet(context: CaseContext, name: string, mode: StreamMode): Promise<void> {
  await setMode(context, name, mode).catch((error: unknown) => {
    throw new Error(`the change to ${mode} is refused with ${nameOf(error)}`);
  });
  await context.untilActive(name);
  same('StreamMode', (await context.summary(name)).StreamModeDetails?.StreamMode, mode);
}

async function openShards(context: CaseContext, name: string): Promise<readonly string[]> {
  return (await context.shards(name)).filter(isOpen).map(idOf);
}

export const updateStreamModeCases = casesOf('UpdateStreamMode', [
  rule('makes a PROVISIONED stream ON_DEMAND, and back', async (context) => {
    const name = await context.stream();
    await modeSet(context, name, 'ON_DEMAND');
    await modeSet(context, name, 'PROVISIONED');
  }),
  rule(
    'keeps the shards, in both directions',
    async (context) => {
      const name = await context.stream(3);
      const before = await openShards(context, name);
      await modeSet(context, name, 'ON_DEMAND');
      same('the shards', await openShards(context, name), before);
      await modeSet(context, name, 'PROVISIONED');
      same('the shards, back', await openShards(context, name), before);
    },
    { page: modesPage },
  ),
  rule(
    'lets reads and writes go on, and keeps the records',
    async (context) => {
      const name = await context.stream();
      await context.put(name, 'before');
      await setMode(context, name, 'ON_DEMAND');
      await context.put(name, 'after');
      await context.untilActive(name);
      same('the records', (await context.readFrom(name, await context.shard(name))).texts, ['before', 'after']);
    },
    { page: modesPage },
  ),
  rule('needs StreamModeDetails with a known StreamMode', async (context) => {
    const arn = await context.arnOf(await context.stream());
    for (const [what, details] of [
      ['no StreamModeDetails', undefined],
      ['no StreamMode', {}],
      ['an unknown StreamMode', { StreamMode: 'BURST' }],
    ] as const) {
      const call = { StreamARN: arn, StreamModeDetails: malformed(details) };
      await refused(context.kinesis.updateStreamMode(call), invalid, what);
    }
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (context) => {
      await refused(setMode(context, await context.creating(), 'ON_DEMAND'), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'answers ResourceInUseException while the stream is UPDATING',
    async (context) => {
      const name = await context.stream();
      const split = { ShardToSplit: idOf(await context.shard(name)), NewStartingHashKey: '1000' };
      await context.kinesis.splitShard({ StreamName: name, ...split });
      await refused(setMode(context, name, 'ON_DEMAND'), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'refuses a third change within 24 hours',
    async (context) => {
      const name = await context.stream();
      await modeSet(context, name, 'ON_DEMAND');
      await modeSet(context, name, 'PROVISIONED');
      await refused(setMode(context, name, 'ON_DEMAND'), [...overLimit, ...invalid]);
    },
    { page: modesPage },
  ),
  rule(
    'takes a third change once 24 hours have passed since the first',
    async (context) => {
      const name = await context.stream();
      await modeSet(context, name, 'ON_DEMAND');
      await modeSet(context, name, 'PROVISIONED');
      context.advance(24.1 * hourMs);
      await modeSet(context, name, 'ON_DEMAND');
    },
    { needs: ['clock'], page: modesPage },
  ),
]);

async function setSize(context: CaseContext, name: string, kib: number): Promise<void> {
  await context.kinesis.updateMaxRecordSize({ StreamARN: await context.arnOf(name), MaxRecordSizeInKiB: kib });
}

async function sizeSet(context: CaseContext, name: string, kib: number): Promise<void> {
  await setSize(context, name, kib);
  await context.untilActive(name);
}

function put(context: CaseContext, name: string, size: number): Promise<unknown> {
  return context.kinesis.putRecord({ StreamName: name, Data: bytes(size - 3), PartitionKey: 'key' });
}

const effectsOfSize = needing('megabytes', [
  rule(
    'lets PutRecord take a record of that size, its partition key included, and refuse a byte more',
    async (context) => {
      const name = await context.stream();
      await sizeSet(context, name, 2048);
      await refused(put(context, name, 2 * mebibyte + 1), invalid, 'a byte more');
      same('2 MiB', await outcomeOf(put(context, name, 2 * mebibyte)), 'accepted');
    },
  ),
  rule('lets PutRecords take a record of that size', async (context) => {
    const name = await context.stream();
    await sizeSet(context, name, 2048);
    const call = { StreamName: name, Records: [{ Data: bytes(1500 * kibibyte), PartitionKey: 'key' }] };
    same('FailedRecordCount', (await context.kinesis.putRecords(call)).FailedRecordCount, 0);
  }),
  rule('makes PutRecord refuse larger records again once the size is set back', async (context) => {
    const name = await context.stream();
    await sizeSet(context, name, 2048);
    await sizeSet(context, name, 1024);
    await refused(put(context, name, 1500 * kibibyte), invalid);
  }),
]);

export const updateMaxRecordSizeCases = casesOf('UpdateMaxRecordSize', [
  rule(
    'sets the size that DescribeStreamSummary shows, from 1024 to 10240 KiB',
    async (context) => {
      const name = await context.stream();
      for (const size of [10_240, 1024]) {
        await sizeSet(context, name, size);
        same('MaxRecordSizeInKiB', (await context.summary(name)).MaxRecordSizeInKiB, size);
      }
    },
    { page: apiPage('StreamDescriptionSummary') },
  ),
  ...effectsOfSize,
  rule('answers ValidationException to a size below 1024 or above 10240 KiB', async (context) => {
    const name = await context.stream();
    for (const size of [1023, 10_241, 0]) {
      await refused(setSize(context, name, size), ['ValidationException'], `${size} KiB`);
    }
  }),
  rule('needs MaxRecordSizeInKiB', async (context) => {
    await refused(setSize(context, await context.stream(), malformed(undefined)), invalid);
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (context) => {
      await refused(setSize(context, await context.creating(), 2048), inUse);
    },
    { needs: ['states'] },
  ),
]);
