import { describe, expect, it } from '@jest/globals';
import { settle } from '@millrace/core/testing';
import fc from 'fast-check';
import { type LostCause } from '../src';
import { aRecord, numberOf } from './support/fake-target';
import { World } from './support/keyed-world';

describe('KeyedDispatcher', () => {
  it('hands records of different keys over side by side, and those of one key one after another', async () => {
    const world = new World();
    world.add('a', 'a', 'b', 'a');
    expect(world.underWay).toEqual([0, 2]);
    await world.resolve(0);
    expect(world.underWay).toEqual([2, 1]);
    await world.resolve(1, 3, 2);
    expect(world.settledNumbers).toEqual([0, 1, 3, 2]);
    await world.dispatcher.settled();
  });

  it('has no more calls under way than it may, and begins the oldest record first', async () => {
    const world = new World({ maxInFlight: 2 });
    world.add('a', 'b', 'c', 'd', 'a');
    expect(world.underWay).toEqual([0, 1]);
    await world.resolve(1);
    expect(world.underWay).toEqual([0, 2]);
    await world.resolve(2);
    expect(world.underWay).toEqual([0, 3]);
    world.add('e');
    await world.resolve(0);
    // Record 4 of key a is older than 5.
    expect(world.underWay).toEqual([3, 4]);
  });

  it('goes on with other keys while one waits to be tried again, and holds back what comes after it', async () => {
    const world = new World({ maxInFlight: 1 });
    world.add('a', 'a', 'b');
    await world.reject(0);
    expect(world.begun).toEqual(['0', '2']);
    await world.resolve(2);
    await world.clock.advance(1_000);
    expect(world.begun).toEqual(['0', '2', '0#2']);
    await world.resolve(0, 1);
    expect(world.settledNumbers).toEqual([2, 0, 1]);
    expect(world.failures).toEqual([
      expect.objectContaining({ attempt: 1, action: 'retry', recordCount: 1, firstSequenceNumber: '0' }),
    ]);
  });

  it('begins nothing while the lease is not ours for certain', async () => {
    const world = new World();
    world.held = false;
    world.add('a', 'b');
    await world.clock.advance(1_000);
    expect(world.begun).toEqual([]);
    world.held = true;
    await world.clock.advance(100);
    expect(world.begun).toEqual(['0', '1']);
  });

  it('lets a record go after its attempts, under the lease, and begins the next of the key when it is safe', async () => {
    const world = new World({ policy: 'dead-letter' });
    world.add('a', 'a');
    await world.reject(0);
    await world.clock.advance(1_000);
    world.held = false;
    await world.reject(0);
    expect(world.begun).toEqual(['0', '0#2']);
    world.held = true;
    await world.clock.advance(100);
    await world.reject(0);
    expect(world.settledNumbers).toEqual([]);
    await world.clock.advance(1_000);
    expect(world.begun).toEqual(['0', '0#2', '0!', '0!']);
    await world.resolve(0, 1);
    expect(world.begun.at(-1)).toBe('1');
    expect(world.settledNumbers).toEqual([0, 1]);
    expect(world.causes[0]).toMatchObject({ reason: 'attempts', attempts: 2, error: new Error('no 0') });
  });

  it('lets a whole key go if it is to, without an attempt', async () => {
    const world = new World({ policy: 'dead-letter', quarantinesKeys: true });
    world.add('a', 'a', 'b');
    await world.reject(0);
    await world.clock.advance(1_000);
    await world.reject(0);
    await world.resolve(0, 1, 2);
    world.add('a');
    await world.resolve(3);
    expect(world.begun).toEqual(['0', '2', '0#2', '0!', '1!', '3!']);
    expect(world.causes.map(({ reason }) => reason)).toEqual(['attempts', 'key', 'key']);
    expect(world.causes.at(-1)?.error).toEqual(new Error('no 0'));
  });

  it('remembers the keys that were let go last, so that an outage does not fill the memory', async () => {
    const world = new World({ policy: 'dead-letter', quarantinesKeys: true, maxInFlight: 20_000 });
    const keys = Array.from({ length: 10_001 }, (_, index) => `key-${index}`);
    world.add(...keys);
    for (let attempt = 1; attempt <= 2; attempt++) {
      await world.reject(...world.underWay);
      await world.clock.advance(1_000);
    }
    await world.resolveAll();
    const [oldest, next] = world.begun.filter((name) => name.endsWith('!')).map((name) => keys[parseInt(name)] ?? '');
    world.add(oldest ?? '', next ?? '');
    expect(world.begun.slice(-2)).toEqual(['10001', '10002!']);
  });

  it('does not forget a key whose records are still here', async () => {
    const world = new World({ policy: 'dead-letter', quarantinesKeys: true, maxInFlight: 20_000 });
    const keys = Array.from({ length: 10_002 }, (_, index) => `key-${index}`);
    world.add(...keys, keys[0] ?? '');
    for (let attempt = 1; attempt <= 2; attempt++) {
      await world.reject(...world.underWay);
      await world.clock.advance(1_000);
    }
    // The second record of the first key waits while a record of each other key is let go.
    world.held = false;
    await world.resolveAll();
    world.held = true;
    await world.clock.advance(1_000);
    world.add(keys[1] ?? '');
    expect(world.begun.slice(-2)).toEqual(['10002!', '10003']);
  });

  describe('when the shard is drained', () => {
    it('waits for what is under way, and begins what comes before it: nothing then is done behind a gap', async () => {
      const world = new World({ maxInFlight: 2 });
      world.add('a', 'a', 'a', 'b', 'c');
      expect(world.underWay).toEqual([0, 3]);
      world.drain();
      const settled = world.dispatcher.settled();
      await world.resolve(3);
      // Not record 4, which lies behind all that was begun.
      expect(world.underWay).toEqual([0]);
      await world.resolve(0, 1);
      expect(await world.isOver(settled)).toBe(false);
      await world.resolve(2);
      expect(await world.isOver(settled)).toBe(true);
      expect(world.begun).toEqual(['0', '3', '1', '2']);
    });

    it('begins what comes before a record that was let go, too', async () => {
      const world = new World({ policy: 'dead-letter', quarantinesKeys: true });
      world.add('b');
      await world.reject(0);
      await world.clock.advance(1_000);
      await world.reject(0);
      await world.resolve(0);
      world.add('a', 'a', 'b');
      await world.resolve(3);
      world.drain();
      await world.resolve(1, 2);
      expect(world.begun).toEqual(['0', '0#2', '0!', '1', '3!', '2']);
      await world.dispatcher.settled();
    });

    it('begins nothing behind a record that has failed: it comes again elsewhere in any case', async () => {
      const world = new World({ maxInFlight: 2 });
      world.add('a', 'b', 'b', 'c');
      await world.reject(0);
      expect(world.underWay).toEqual([1, 3]);
      world.drain();
      const settled = world.dispatcher.settled();
      await world.resolve(1, 3);
      expect(await world.isOver(settled)).toBe(true);
      expect(world.begun).toEqual(['0', '1', '3']);
    });

    it('leaves alone a key that has failed, now or before', async () => {
      const world = new World();
      world.add('a', 'b', 'c');
      await world.reject(0);
      world.drain();
      const settled = world.dispatcher.settled();
      await world.reject(1);
      expect(await world.isOver(settled)).toBe(false);
      await world.resolve(2);
      expect(await world.isOver(settled)).toBe(true);
      await world.clock.advance(60_000);
      expect(world.begun).toEqual(['0', '1', '2']);
    });

    it('does not let a record go because code that was told to stop has failed', async () => {
      const world = new World({ policy: 'skip' });
      world.add('a');
      await world.reject(0);
      await world.clock.advance(1_000);
      world.drain();
      await world.reject(0);
      expect(world.begun).toEqual(['0', '0#2']);
      expect(await world.isOver(world.dispatcher.settled())).toBe(true);
    });
  });

  it('begins nothing more when all is to end, and waits for what is under way', async () => {
    const world = new World({ maxInFlight: 2 });
    world.add('a', 'b', 'a', 'c', 'd');
    world.end();
    const settled = world.dispatcher.settled();
    await world.resolve(1);
    expect(await world.isOver(settled)).toBe(false);
    await world.resolve(0);
    expect(await world.isOver(settled)).toBe(true);
    expect(world.begun).toEqual(['0', '1']);
  });

  it('waits for what is under way before it says that its own target has failed, and takes nothing more', async () => {
    const world = new World();
    world.settled = () => {
      throw new Error('a mistake');
    };
    world.add('a', 'b');
    await world.resolve(0);
    const settled = world.dispatcher.settled();
    const failed = expect(settled).rejects.toThrow('a mistake');
    expect(() => world.add('c')).toThrow('a mistake');
    await world.resolve(1);
    await failed;
  });

  it('lets timers run between calls that never wait for anything', async () => {
    const world = new World({ maxInFlight: 1 });
    const order: string[] = [];
    world.deliver = async (record) => {
      order.push(String(numberOf(record)));
      if (numberOf(record) === 1) await world.clock.advance(60);
    };
    world.add('a', 'a', 'a');
    void world.clock.sleep(0).then(() => order.push('timer'));
    await settle();
    await world.clock.advance(0);
    await world.clock.advance(1);
    expect(order.indexOf('timer')).toBeLessThan(order.length - 1);
    await world.dispatcher.settled();
  });

  it('says so when its own target fails', async () => {
    const world = new World();
    world.settled = () => {
      throw new Error('a mistake');
    };
    world.add('a');
    await world.resolve(0);
    await expect(world.dispatcher.settled()).rejects.toThrow('a mistake');
  });

  it('lets a record go that was never handed over, and its key goes on behind it', async () => {
    const world = new World({ policy: 'skip' });
    const cause: LostCause = { reason: 'crashes', attempts: 3, error: new Error('ended') };
    world.dispatcher.add({ number: 0, record: { ...aRecord(0), partitionKey: 'a' } }, cause);
    expect(() => world.dispatcher.add({ number: 1, record: { ...aRecord(1), partitionKey: 'a' } }, cause)).toThrow(
      /are open/,
    );
    await world.resolve(0);
    await world.dispatcher.settled();
    world.dispatcher.add({ number: 2, record: { ...aRecord(2), partitionKey: 'a' } });
    await world.resolve(2);
    expect(world.begun).toEqual(['0!', '2']);
    expect(world.causes).toEqual([cause]);
    expect(world.settledNumbers).toEqual([0, 2]);
  });

  it('keeps the order of each key and loses no record, whatever fails and whatever is slow', async () => {
    const calls = fc.array(fc.record({ fails: fc.boolean(), pick: fc.nat() }), { maxLength: 60 });
    const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(keys, fc.integer({ min: 1, max: 5 }), calls, async (records, maxInFlight, outcomes) => {
        const world = new World({ maxInFlight });
        world.add(...records);
        const seen = (): void => {
          const inHand = world.underWay.map((number) => records[number]);
          expect(new Set(inHand).size).toBe(inHand.length);
          expect(inHand.length).toBeLessThanOrEqual(maxInFlight);
        };
        for (const { fails, pick } of outcomes) {
          if (world.underWay.length === 0) await world.clock.advance(30_000);
          const number = world.underWay[pick % world.underWay.length];
          if (number === undefined) break;
          seen();
          await (fails ? world.reject(number) : world.resolve(number));
        }
        while (world.settledNumbers.length < records.length) {
          await world.resolve(...world.underWay);
          await world.clock.advance(30_000);
        }
        await world.dispatcher.settled();
        for (const key of new Set(records)) {
          const ofKey = world.settledNumbers.filter((number) => records[number] === key);
          expect(ofKey).toEqual(ofKey.toSorted((a, b) => a - b));
        }
        expect(new Set(world.settledNumbers).size).toBe(records.length);
      }),
      { numRuns: 100 },
    );
  });
});
