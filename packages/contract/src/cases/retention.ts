import type { CaseContext } from '../case-context';
import { casesOf, retentionPage, rule } from '../contract-case';
import { inUse, invalid, malformed, refused, same } from '../expectations';
import { hourMs } from './fixtures';

function increase(context: CaseContext, name: string, hours: number): Promise<unknown> {
  return context.kinesis.increaseStreamRetentionPeriod({ StreamName: name, RetentionPeriodHours: hours });
}

function decrease(context: CaseContext, name: string, hours: number): Promise<unknown> {
  return context.kinesis.decreaseStreamRetentionPeriod({ StreamName: name, RetentionPeriodHours: hours });
}

async function increased(context: CaseContext, name: string, hours: number): Promise<void> {
  await context.patiently(() => increase(context, name, hours));
  await context.untilActive(name);
}

async function streamKeeping(context: CaseContext, hours: number): Promise<string> {
  const name = await context.stream();
  await increased(context, name, hours);
  return name;
}

export const increaseRetentionCases = casesOf('IncreaseStreamRetentionPeriod', [
  rule('sets the retention period that DescribeStreamSummary shows', async (context) => {
    const name = await streamKeeping(context, 48);
    same('RetentionPeriodHours', (await context.summary(name)).RetentionPeriodHours, 48);
  }),
  rule('takes up to 8760 hours, and refuses more', async (context) => {
    const name = await context.stream();
    await refused(increase(context, name, 8761), invalid, '8761 hours');
    await increased(context, name, 8760);
    same('RetentionPeriodHours', (await context.summary(name)).RetentionPeriodHours, 8760);
  }),
  rule('refuses a period that is shorter than the current one', async (context) => {
    await refused(increase(context, await streamKeeping(context, 48), 36), invalid);
  }),
  rule('refuses the current period', async (context) => {
    await refused(increase(context, await streamKeeping(context, 48), 48), invalid);
  }),
  rule('needs RetentionPeriodHours', async (context) => {
    await refused(increase(context, await context.stream(), malformed(undefined)), invalid);
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (context) => {
      await refused(increase(context, await context.creating(), 48), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'keeps the records that have not expired, for the longer time',
    async (context) => {
      const name = await context.stream();
      await context.put(name, 'old');
      context.advance(23 * hourMs);
      await increased(context, name, 48);
      context.advance(24 * hourMs);
      same('after 47 hours', (await context.readFrom(name, await context.shard(name))).texts, ['old']);
      context.advance(2 * hourMs);
      same('after 49 hours', (await context.readFrom(name, await context.shard(name))).texts, []);
    },
    { needs: ['clock'] },
  ),
  rule(
    'does not bring back the records that have expired',
    async (context) => {
      const name = await context.stream();
      await context.put(name, 'old');
      context.advance(25 * hourMs);
      await increased(context, name, 48);
      same('the records', (await context.readFrom(name, await context.shard(name))).texts, []);
    },
    { needs: ['clock'] },
  ),
]);

export const decreaseRetentionCases = casesOf('DecreaseStreamRetentionPeriod', [
  rule('sets the retention period that DescribeStreamSummary shows, down to 24 hours', async (context) => {
    const name = await streamKeeping(context, 48);
    await decrease(context, name, 24);
    await context.untilActive(name);
    same('RetentionPeriodHours', (await context.summary(name)).RetentionPeriodHours, 24);
  }),
  rule('refuses less than 24 hours', async (context) => {
    const name = await streamKeeping(context, 48);
    for (const hours of [23, 0, -1]) await refused(decrease(context, name, hours), invalid, `${hours} hours`);
  }),
  rule('refuses a period that is longer than the current one', async (context) => {
    await refused(decrease(context, await streamKeeping(context, 48), 72), invalid);
  }),
  rule('refuses the current period', async (context) => {
    await refused(decrease(context, await streamKeeping(context, 48), 48), invalid);
  }),
  rule('needs RetentionPeriodHours', async (context) => {
    await refused(decrease(context, await context.stream(), malformed(undefined)), invalid);
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (context) => {
      await refused(decrease(context, await context.creating(), 24), inUse);
    },
    { needs: ['states'] },
  ),
  rule(
    'makes the records inaccessible that are older than the shorter period',
    async (context) => {
      const name = await streamKeeping(context, 48);
      await context.put(name, 'old');
      context.advance(30 * hourMs);
      await context.put(name, 'new');
      await decrease(context, name, 24);
      await context.untilActive(name);
      same('the records', (await context.readFrom(name, await context.shard(name))).texts, ['new']);
    },
    { needs: ['clock'], page: retentionPage },
  ),
]);
