import type { Bench } from '../bench';
import { casesOf, retentionPage, rule } from '../contract-case';
import { inUse, invalid, malformed, refused, same } from '../expectations';
import { hourMs } from './fixtures';

function increase(bench: Bench, name: string, hours: number): Promise<unknown> {
  return bench.kinesis.increaseStreamRetentionPeriod({ StreamName: name, RetentionPeriodHours: hours });
}

function decrease(bench: Bench, name: string, hours: number): Promise<unknown> {
  return bench.kinesis.decreaseStreamRetentionPeriod({ StreamName: name, RetentionPeriodHours: hours });
}

async function increased(bench: Bench, name: string, hours: number): Promise<void> {
  await bench.patiently(() => increase(bench, name, hours));
  await bench.untilActive(name);
}

async function streamKeeping(bench: Bench, hours: number): Promise<string> {
  const name = await bench.stream();
  await increased(bench, name, hours);
  return name;
}

export const increaseRetentionCases = casesOf('IncreaseStreamRetentionPeriod', [
  rule('sets the retention period that DescribeStreamSummary shows', async (bench) => {
    const name = await streamKeeping(bench, 48);
    same('RetentionPeriodHours', (await bench.summary(name)).RetentionPeriodHours, 48);
  }),
  rule('takes up to 8760 hours, and refuses more', async (bench) => {
    const name = await bench.stream();
    await refused(increase(bench, name, 8761), invalid, '8761 hours');
    await increased(bench, name, 8760);
    same('RetentionPeriodHours', (await bench.summary(name)).RetentionPeriodHours, 8760);
  }),
  rule('refuses a period that is shorter than the current one', async (bench) => {
    await refused(increase(bench, await streamKeeping(bench, 48), 36), invalid);
  }),
  rule('refuses the current period', async (bench) => {
    await refused(increase(bench, await streamKeeping(bench, 48), 48), invalid);
  }),
  rule('needs RetentionPeriodHours', async (bench) => {
    await refused(increase(bench, await bench.stream(), malformed(undefined)), invalid);
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (bench) => {
      await refused(increase(bench, await bench.creating(), 48), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'keeps the records that have not expired, for the longer time',
    async (bench) => {
      const name = await bench.stream();
      await bench.put(name, 'old');
      bench.advance(23 * hourMs);
      await increased(bench, name, 48);
      bench.advance(24 * hourMs);
      same('after 47 hours', (await bench.readFrom(name, await bench.shard(name))).texts, ['old']);
      bench.advance(2 * hourMs);
      same('after 49 hours', (await bench.readFrom(name, await bench.shard(name))).texts, []);
    },
    { needs: ['clock'] },
  ),
  rule(
    'does not bring back the records that have expired',
    async (bench) => {
      const name = await bench.stream();
      await bench.put(name, 'old');
      bench.advance(25 * hourMs);
      await increased(bench, name, 48);
      same('the records', (await bench.readFrom(name, await bench.shard(name))).texts, []);
    },
    { needs: ['clock'] },
  ),
]);

export const decreaseRetentionCases = casesOf('DecreaseStreamRetentionPeriod', [
  rule('sets the retention period that DescribeStreamSummary shows, down to 24 hours', async (bench) => {
    const name = await streamKeeping(bench, 48);
    await decrease(bench, name, 24);
    await bench.untilActive(name);
    same('RetentionPeriodHours', (await bench.summary(name)).RetentionPeriodHours, 24);
  }),
  rule('refuses less than 24 hours', async (bench) => {
    const name = await streamKeeping(bench, 48);
    for (const hours of [23, 0, -1]) await refused(decrease(bench, name, hours), invalid, `${hours} hours`);
  }),
  rule('refuses a period that is longer than the current one', async (bench) => {
    await refused(decrease(bench, await streamKeeping(bench, 48), 72), invalid);
  }),
  rule('refuses the current period', async (bench) => {
    await refused(decrease(bench, await streamKeeping(bench, 48), 48), invalid);
  }),
  rule('needs RetentionPeriodHours', async (bench) => {
    await refused(decrease(bench, await bench.stream(), malformed(undefined)), invalid);
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (bench) => {
      await refused(decrease(bench, await bench.creating(), 24), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'makes the records inaccessible that are older than the shorter period',
    async (bench) => {
      const name = await streamKeeping(bench, 48);
      await bench.put(name, 'old');
      bench.advance(30 * hourMs);
      await bench.put(name, 'new');
      await decrease(bench, name, 24);
      await bench.untilActive(name);
      same('the records', (await bench.readFrom(name, await bench.shard(name))).texts, ['new']);
    },
    { needs: ['clock'], page: retentionPage },
  ),
]);
