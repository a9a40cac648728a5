import { casesOf, rule } from '../contract-case';
import { inUse, notFound, outcomeOf, overLimit, refused, same } from '../expectations';
import { exceedsRate } from './fixtures';

export const deleteStreamCases = casesOf('DeleteStream', [
  rule(
    'leaves the stream DELETING, and then it is gone',
    async (context) => {
      const name = await context.stream();
      await context.kinesis.deleteStream({ StreamName: name });
      same('StreamStatus', (await context.summary(name)).StreamStatus, 'DELETING');
      await context.untilGone(name);
    },
    { needs: ['states'] },
  ),
  rule('makes every operation on the stream answer ResourceNotFoundException', async (context) => {
    const name = await context.stream();
    const shard = await context.shard(name);
    await context.delete(name);
    await refused(context.put(name, 'late'), notFound, 'PutRecord');
    await refused(context.iterator(name, shard), notFound, 'GetShardIterator');
    await refused(context.kinesis.listShards({ StreamName: name }), notFound, 'ListShards');
    await refused(context.kinesis.deleteStream({ StreamName: name }), notFound, 'DeleteStream');
  }),
  rule('leaves nothing to a new stream of the same name: no records, no tags', async (context) => {
    const name = await context.stream();
    await context.put(name, 'old');
    await context.kinesis.addTagsToStream({ StreamName: name, Tags: { team: 'delays' } });
    await context.delete(name);
    await context.patiently(() => context.kinesis.createStream({ StreamName: name, ShardCount: 1 }));
    await context.untilActive(name);
    same('the records', (await context.readFrom(name, await context.shard(name))).texts, []);
    same('the tags', (await context.kinesis.listTagsForStream({ StreamName: name })).Tags, []);
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (context) => {
      const name = await context.creating();
      await refused(context.kinesis.deleteStream({ StreamName: name }), inUse);
    },
    { needs: ['states'] },
  ),
  rule('is accepted with EnforceConsumerDeletion where there are no consumers', async (context) => {
    const name = await context.stream();
    const call = context.kinesis.deleteStream({ StreamName: name, EnforceConsumerDeletion: true });
    same('the call', await outcomeOf(call), 'accepted');
  }),
  rule(
    'answers LimitExceededException to more than 5 calls per second',
    async (context) => {
      const names: string[] = [];
      for (let made = 0; made < 20; made += 4) {
        names.push(
          ...(await Promise.all([context.creating(), context.creating(), context.creating(), context.creating()])),
        );
        await context.rest(1000);
        for (const name of names.slice(-4)) await context.untilActive(name);
      }
      await context.rest(1100);
      const left = names.values();
      const call = (): Promise<unknown> => context.kinesis.deleteStream({ StreamName: left.next().value });
      await exceedsRate(call, { perSecond: 5, name: overLimit[0] });
    },
    { needs: ['costly'] },
  ),
]);
