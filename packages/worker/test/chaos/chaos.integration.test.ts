import { afterEach, describe, expect, it } from '@jest/globals';
import { Fleet } from './fleet';
import type { Ledger } from './ledger';

let fleet: Fleet | undefined;

afterEach(async () => {
  await fleet?.close();
  fleet = undefined;
});

/** Short enough that no test waits long for an expiry, long enough for a machine under load. */
const quick = { failoverTimeMs: 1_500 };

/** For what must not depend on expiry: a lease that is not given up outlasts the test. */
const patient = { failoverTimeMs: 60_000, renewIntervalMs: 500, scanIntervalMs: 200 };

/** How often a record of this shard was delivered, by number. */
function deliveriesOf({ events }: Ledger, shardId: string): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const event of events) {
    if (event.kind !== 'begin' || event.shardId !== shardId) continue;
    for (const number of event.numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  return counts;
}

describe('worker processes that share a stream', () => {
  it('lose nothing and repeat only what was not acknowledged when one of them is killed', async () => {
    fleet = await Fleet.start(quick);
    const [shardId = '', ...others] = fleet.shardsReadBy('b');
    fleet.worker('b').order({ kind: 'hold', shardId });
    const { token } = await fleet.said('b', 'holding', { shardId });
    await fleet.kill('b');
    await fleet.areReadByOthers('b', [shardId, ...others]);
    const { ledger, wrong } = await fleet.finish();
    expect(wrong).toEqual([]);
    // Tokens are counted lease by lease: another shard may have the same.
    const held = ledger.events.findLast(
      (event) => event.kind === 'begin' && event.shardId === shardId && event.token === token,
    );
    const twice = [...deliveriesOf(ledger, shardId)].filter(([, count]) => count > 1).map(([number]) => number);
    expect(twice).toEqual(expect.arrayContaining(held?.kind === 'begin' ? [...held.numbers] : [NaN]));
  });

  it('let one that was frozen for longer than its leases store nothing and deliver nothing when it thaws', async () => {
    fleet = await Fleet.start(quick);
    const worker = fleet.worker('b');
    const shardIds = fleet.shardsReadBy('b');
    const [shardId = ''] = shardIds;
    worker.order({ kind: 'hold', shardId });
    const { token } = await fleet.said('b', 'holding', { shardId });
    worker.order({ kind: 'freeze after a read' });
    await fleet.said('b', 'blocking');
    await fleet.areReadByOthers('b', shardIds);
    const before = worker.events().length;
    worker.order({ kind: 'go on' });
    worker.kill('SIGCONT');
    const answer = await fleet.said('b', ['stored', 'refused'], { shardId, after: before });
    expect(answer).toMatchObject({ kind: 'refused', token, stored: 'no' });
    for (const lostId of shardIds) await fleet.said('b', 'lost', { shardId: lostId, after: before });
    await fleet.hasRejoined('b', before);
    expect((await fleet.finish()).wrong).toEqual([]);
  });

  it('repeat nothing when one is asked to end by SIGTERM, which finishes what it has in hand first', async () => {
    fleet = await Fleet.start(patient);
    const worker = fleet.worker('b');
    const shardIds = fleet.shardsReadBy('b');
    const [shardId = ''] = shardIds;
    worker.order({ kind: 'hold', shardId });
    await fleet.said('b', 'holding', { shardId });
    fleet.terminate('b');
    await fleet.keepsOnly('b', [shardId]);
    worker.order({ kind: 'go on' });
    expect(await fleet.hasEnded('b')).toEqual({ code: 0, signal: null });
    await fleet.areReadByOthers('b', shardIds);
    const { ledger, wrong } = await fleet.finish();
    expect(wrong).toEqual([]);
    expect(ledger.events.filter(({ kind }) => kind === 'lost')).toEqual([]);
    for (const { shardId: id, number } of ledger.puts) {
      expect({ id, number, times: deliveriesOf(ledger, id).get(number) }).toEqual({ id, number, times: 1 });
    }
  });

  it('let one whose event loop is blocked in a call for twice the failover time store nothing of that call', async () => {
    fleet = await Fleet.start(quick);
    const worker = fleet.worker('b');
    const shardIds = fleet.shardsReadBy('b');
    const [shardId = ''] = shardIds;
    worker.order({ kind: 'block', shardId, forMs: 2 * fleet.failoverTimeMs });
    const { token } = await fleet.said('b', 'blocking', { shardId });
    const asked = worker.events().length;
    await fleet.areReadByOthers('b', shardIds);
    const before = worker.events().length;
    const answer = await fleet.said('b', ['stored', 'refused'], { shardId, after: asked });
    expect(answer).toMatchObject({ kind: 'refused', token, stored: 'no' });
    for (const lostId of shardIds) await fleet.said('b', 'lost', { shardId: lostId });
    await fleet.hasRejoined('b', before);
    expect((await fleet.finish()).wrong).toEqual([]);
  });

  it('let one whose event loop is blocked between a read and its delivery find out before it delivers', async () => {
    fleet = await Fleet.start(quick);
    const shardIds = fleet.shardsReadBy('b');
    fleet.worker('b').order({ kind: 'block after a read', forMs: 2 * fleet.failoverTimeMs });
    await fleet.said('b', 'blocking');
    await fleet.areReadByOthers('b', shardIds);
    const before = fleet.worker('b').events().length;
    await fleet.hasRejoined('b', before);
    expect((await fleet.finish()).wrong).toEqual([]);
  });

  it('keep every checkpoint of one to which the answers of DynamoDB are lost, first some, then all', async () => {
    fleet = await Fleet.start(quick);
    const shardIds = fleet.shardsReadBy('b');
    const { faults } = fleet.aws;
    const rule = { kind: 'lost-reply', service: 'dynamodb', accessKeyId: 'b' } as const;
    const some = faults.add({ ...rule, probability: 0.4 });
    await fleet.until(() => some.hits >= 12, 'some answers to be lost');
    faults.remove(some);
    const all = faults.add(rule);
    await fleet.areReadByOthers('b', shardIds);
    const before = fleet.worker('b').events().length;
    faults.remove(all);
    await fleet.hasRejoined('b', before);
    expect((await fleet.finish()).wrong).toEqual([]);
  });

  it('let one that is cut off from DynamoDB alone stop delivering before another begins, and come back', async () => {
    fleet = await Fleet.start(quick);
    const worker = fleet.worker('b');
    const shardIds = fleet.shardsReadBy('b');
    // It must not wait for a checkpoint: it is to go on delivering for as long as it may.
    worker.order({ kind: 'do not checkpoint' });
    const cut = fleet.aws.faults.add({ kind: 'partition', service: 'dynamodb', accessKeyId: 'b' });
    await fleet.areReadByOthers('b', shardIds);
    const before = worker.events().length;
    worker.order({ kind: 'checkpoint' });
    fleet.aws.faults.remove(cut);
    await fleet.hasRejoined('b', before);
    expect((await fleet.finish()).wrong).toEqual([]);
  });
});
