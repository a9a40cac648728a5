import type { StreamMode } from '@aws-sdk/client-kinesis';
import { isOpen, idOf, type Bench } from '../bench';
import { apiPage, casesOf, modesPage, needing, rule } from '../contract-case';
import { inUse, invalid, malformed, nameOf, outcomeOf, overLimit, refused, same } from '../expectations';
import { bytes, hourMs, kibibyte, mebibyte } from './fixtures';

async function setMode(bench: Bench, name: string, mode: StreamMode): Promise<void> {
  const arn = await bench.arnOf(name);
  await bench.kinesis.updateStreamMode({ StreamARN: arn, StreamModeDetails: { StreamMode: mode } });
}

async function modeSet(bench: Bench, name: string, mode: StreamMode): Promise<void> {
  await setMode(bench, name, mode).catch((error: unknown) => {
    throw new Error(`the change to ${mode} is refused with ${nameOf(error)}`);
  });
  await bench.untilActive(name);
  same('StreamMode', (await bench.summary(name)).StreamModeDetails?.StreamMode, mode);
}

async function openShards(bench: Bench, name: string): Promise<readonly string[]> {
  return (await bench.shards(name)).filter(isOpen).map(idOf);
}

export const updateStreamModeCases = casesOf('UpdateStreamMode', [
  rule('makes a PROVISIONED stream ON_DEMAND, and back', async (bench) => {
    const name = await bench.stream();
    await modeSet(bench, name, 'ON_DEMAND');
    await modeSet(bench, name, 'PROVISIONED');
  }),
  rule(
    'keeps the shards, in both directions',
    async (bench) => {
      const name = await bench.stream(3);
      const before = await openShards(bench, name);
      await modeSet(bench, name, 'ON_DEMAND');
      same('the shards', await openShards(bench, name), before);
      await modeSet(bench, name, 'PROVISIONED');
      same('the shards, back', await openShards(bench, name), before);
    },
    { page: modesPage },
  ),
  rule(
    'lets reads and writes go on, and keeps the records',
    async (bench) => {
      const name = await bench.stream();
      await bench.put(name, 'before');
      await setMode(bench, name, 'ON_DEMAND');
      await bench.put(name, 'after');
      await bench.untilActive(name);
      same('the records', (await bench.readFrom(name, await bench.shard(name))).texts, ['before', 'after']);
    },
    { page: modesPage },
  ),
  rule('needs StreamModeDetails with a known StreamMode', async (bench) => {
    const arn = await bench.arnOf(await bench.stream());
    for (const [what, details] of [
      ['no StreamModeDetails', undefined],
      ['no StreamMode', {}],
      ['an unknown StreamMode', { StreamMode: 'BURST' }],
    ] as const) {
      const call = { StreamARN: arn, StreamModeDetails: malformed(details) };
      await refused(bench.kinesis.updateStreamMode(call), invalid, what);
    }
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (bench) => {
      await refused(setMode(bench, await bench.creating(), 'ON_DEMAND'), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'answers ResourceInUseException while the stream is UPDATING',
    async (bench) => {
      const name = await bench.stream();
      const split = { ShardToSplit: idOf(await bench.shard(name)), NewStartingHashKey: '1000' };
      await bench.kinesis.splitShard({ StreamName: name, ...split });
      await refused(setMode(bench, name, 'ON_DEMAND'), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'refuses a third change within 24 hours',
    async (bench) => {
      const name = await bench.stream();
      await modeSet(bench, name, 'ON_DEMAND');
      await modeSet(bench, name, 'PROVISIONED');
      await refused(setMode(bench, name, 'ON_DEMAND'), [...overLimit, ...invalid]);
    },
    { page: modesPage },
  ),
  rule(
    'takes a third change once 24 hours have passed since the first',
    async (bench) => {
      const name = await bench.stream();
      await modeSet(bench, name, 'ON_DEMAND');
      await modeSet(bench, name, 'PROVISIONED');
      bench.advance(24.1 * hourMs);
      await modeSet(bench, name, 'ON_DEMAND');
    },
    { needs: ['clock'], page: modesPage },
  ),
]);

async function setSize(bench: Bench, name: string, kib: number): Promise<void> {
  await bench.kinesis.updateMaxRecordSize({ StreamARN: await bench.arnOf(name), MaxRecordSizeInKiB: kib });
}

async function sizeSet(bench: Bench, name: string, kib: number): Promise<void> {
  await setSize(bench, name, kib);
  await bench.untilActive(name);
}

function put(bench: Bench, name: string, size: number): Promise<unknown> {
  return bench.kinesis.putRecord({ StreamName: name, Data: bytes(size - 3), PartitionKey: 'key' });
}

const effectsOfSize = needing('megabytes', [
  rule(
    'lets PutRecord take a record of that size, its partition key included, and refuse a byte more',
    async (bench) => {
      const name = await bench.stream();
      await sizeSet(bench, name, 2048);
      await refused(put(bench, name, 2 * mebibyte + 1), invalid, 'a byte more');
      same('2 MiB', await outcomeOf(put(bench, name, 2 * mebibyte)), 'accepted');
    },
  ),
  rule('lets PutRecords take a record of that size', async (bench) => {
    const name = await bench.stream();
    await sizeSet(bench, name, 2048);
    const call = { StreamName: name, Records: [{ Data: bytes(1500 * kibibyte), PartitionKey: 'key' }] };
    same('FailedRecordCount', (await bench.kinesis.putRecords(call)).FailedRecordCount, 0);
  }),
  rule('makes PutRecord refuse larger records again once the size is set back', async (bench) => {
    const name = await bench.stream();
    await sizeSet(bench, name, 2048);
    await sizeSet(bench, name, 1024);
    await refused(put(bench, name, 1500 * kibibyte), invalid);
  }),
]);

export const updateMaxRecordSizeCases = casesOf('UpdateMaxRecordSize', [
  rule(
    'sets the size that DescribeStreamSummary shows, from 1024 to 10240 KiB',
    async (bench) => {
      const name = await bench.stream();
      for (const size of [10_240, 1024]) {
        await sizeSet(bench, name, size);
        same('MaxRecordSizeInKiB', (await bench.summary(name)).MaxRecordSizeInKiB, size);
      }
    },
    { page: apiPage('StreamDescriptionSummary') },
  ),
  ...effectsOfSize,
  rule('answers ValidationException to a size below 1024 or above 10240 KiB', async (bench) => {
    const name = await bench.stream();
    for (const size of [1023, 10_241, 0]) {
      await refused(setSize(bench, name, size), ['ValidationException'], `${size} KiB`);
    }
  }),
  rule('needs MaxRecordSizeInKiB', async (bench) => {
    await refused(setSize(bench, await bench.stream(), malformed(undefined)), invalid);
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (bench) => {
      await refused(setSize(bench, await bench.creating(), 2048), inUse);
    },
    { needs: ['states'] },
  ),
]);
