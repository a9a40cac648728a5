import { casesOf, rule } from '../contract-case';
import { inUse, notFound, outcomeOf, overLimit, refused, same } from '../expectations';
import { exceedsRate } from './fixtures';

export const deleteStreamCases = casesOf('DeleteStream', [
  rule(
    'leaves the stream DELETING, and then it is gone',
    async (bench) => {
      const name = await bench.stream();
      await bench.kinesis.deleteStream({ StreamName: name });
      same('StreamStatus', (await bench.summary(name)).StreamStatus, 'DELETING');
      await bench.untilGone(name);
    },
    { needs: ['states'] },
  ),
  rule('makes every operation on the stream answer ResourceNotFoundException', async (bench) => {
    const name = await bench.stream();
    const shard = await bench.shard(name);
    await bench.delete(name);
    await refused(bench.put(name, 'late'), notFound, 'PutRecord');
    await refused(bench.iterator(name, shard), notFound, 'GetShardIterator');
    await refused(bench.kinesis.listShards({ StreamName: name }), notFound, 'ListShards');
    await refused(bench.kinesis.deleteStream({ StreamName: name }), notFound, 'DeleteStream');
  }),
  rule('leaves nothing to a new stream of the same name: no records, no tags', async (bench) => {
    const name = await bench.stream();
    await bench.put(name, 'old');
    await bench.kinesis.addTagsToStream({ StreamName: name, Tags: { team: 'delays' } });
    await bench.delete(name);
    await bench.patiently(() => bench.kinesis.createStream({ StreamName: name, ShardCount: 1 }));
    await bench.untilActive(name);
    same('the records', (await bench.readFrom(name, await bench.shard(name))).texts, []);
    same('the tags', (await bench.kinesis.listTagsForStream({ StreamName: name })).Tags, []);
  }),
  rule(
    'answers ResourceInUseException while the stream is CREATING',
    async (bench) => {
      const name = await bench.creating();
      await refused(bench.kinesis.deleteStream({ StreamName: name }), inUse);
    },
    { needs: ['states'] },
  ),
  rule('is accepted with EnforceConsumerDeletion where there are no consumers', async (bench) => {
    const name = await bench.stream();
    const call = bench.kinesis.deleteStream({ StreamName: name, EnforceConsumerDeletion: true });
    same('the call', await outcomeOf(call), 'accepted');
  }),
  rule(
    'answers LimitExceededException to more than 5 calls per second',
    async (bench) => {
      const names: string[] = [];
      for (let made = 0; made < 20; made += 4) {
        names.push(...(await Promise.all([bench.creating(), bench.creating(), bench.creating(), bench.creating()])));
        await bench.rest(1000);
        for (const name of names.slice(-4)) await bench.untilActive(name);
      }
      await bench.rest(1100);
      const left = names.values();
      const call = (): Promise<unknown> => bench.kinesis.deleteStream({ StreamName: left.next().value });
      await exceedsRate(call, { perSecond: 5, name: overLimit[0] });
    },
    { needs: ['costly'] },
  ),
]);
