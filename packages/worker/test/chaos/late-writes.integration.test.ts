import { afterEach, describe, expect, it } from '@jest/globals';
import { Fleet } from './fleet';
import { HeldWrites, type HeldWrite, type LateWrite } from './held-writes';

let fleet: Fleet | undefined;

afterEach(async () => {
  await fleet?.close();
  fleet = undefined;
});

/** Short enough that no test waits long for an expiry, long enough for a machine under load. */
const quick = { failoverTimeMs: 1_500 };

const isCheckpoint = ({ checkpoint }: HeldWrite): boolean => checkpoint !== undefined;

/** What the table answered to the writes that only an owner sends. */
function answersToOwner(late: readonly LateWrite[]): readonly (string | undefined)[] {
  return [...new Set(late.filter(({ isOwners }) => isOwners).map(({ errorName }) => errorName))];
}

describe('writes to the lease table that arrive when another worker has taken the leases', () => {
  it.each(['checkpoint', 'renewal'] as const)(
    'are refused, each %s of a worker that froze while it was under way, and the new owner’s checkpoint stays',
    async (kind) => {
      fleet = await Fleet.start(quick);
      const { aws } = fleet;
      const worker = fleet.worker('b');
      const shardIds = fleet.shardsReadBy('b');
      if (kind === 'renewal') worker.order({ kind: 'do not checkpoint' });
      const saidBefore = worker.events().length;
      const held = new HeldWrites(aws.dynamodb, 'b', (write) => isCheckpoint(write) === (kind === 'checkpoint'));
      const areUnderWay = (): boolean =>
        shardIds.every((shardId) => held.writes.some((write) => write.shardId === shardId));
      await fleet.until(areUnderWay, `a ${kind} of each lease to be under way`);
      worker.kill('SIGSTOP');
      await fleet.areReadByOthers('b', shardIds);
      await fleet.storeMore(shardIds);
      const before = fleet.rows;
      expect(answersToOwner(held.letThrough())).toEqual(['ConditionalCheckFailedException']);
      expect(fleet.rows).toEqual(before);
      worker.kill('SIGCONT');
      for (const shardId of shardIds) {
        if (kind === 'checkpoint') await fleet.said('b', 'refused', { shardId, after: saidBefore });
        await fleet.said('b', 'lost', { shardId, after: saidBefore });
      }
      await fleet.hasRejoined('b', saidBefore);
      expect((await fleet.finish()).wrong).toEqual([]);
    },
  );

  it('are refused also if the new owner has stored nothing yet, and the checkpoint would have moved it forwards', async () => {
    fleet = await Fleet.start(quick);
    const shardIds = fleet.shardsReadBy('b');
    await fleet.storeMore(shardIds);
    const others = ['a', 'c'].map((name) => fleet?.worker(name));
    for (const other of others) other?.order({ kind: 'do not checkpoint' });
    const held = new HeldWrites(fleet.aws.dynamodb, 'b', isCheckpoint);
    const [before, saidBefore] = [fleet.rows, fleet.worker('b').events().length];
    // It lives on and is heard of, but from a checkpoint on no write to its leases arrives, however often it repeats it.
    await fleet.areReadByOthers('b', shardIds);
    for (const shardId of shardIds) await fleet.said('b', 'lost', { shardId, after: saidBefore });
    const taken = fleet.rows;
    const late = held.letThrough();
    expect(answersToOwner(late)).toEqual(['ConditionalCheckFailedException']);
    for (const shardId of shardIds) {
      const stood = before.get(shardId)?.checkpoint ?? '';
      expect(taken.get(shardId)?.checkpoint).toBe(stood);
      expect(fleet.rows.get(shardId)).toEqual(taken.get(shardId));
      const wouldHaveStored = late.filter((write) => write.shardId === shardId && isCheckpoint(write));
      expect(wouldHaveStored).not.toEqual([]);
      for (const { checkpoint = '' } of wouldHaveStored) expect(BigInt(checkpoint)).toBeGreaterThan(BigInt(stood));
    }
    const after = fleet.worker('b').events().length;
    for (const other of others) other?.order({ kind: 'checkpoint' });
    await fleet.hasRejoined('b', after);
    expect((await fleet.finish()).wrong).toEqual([]);
  });
});
