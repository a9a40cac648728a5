import { describe, expect, it } from '@jest/globals';
import { violations } from './check-ledger';
import { HandMadeLedger } from './hand-made-ledger';

const ledgerOf = (count: number): HandMadeLedger => new HandMadeLedger(count);
const wrongWith = (made: HandMadeLedger): readonly string[] => violations(made.ledger);

/** a has the lease at token 1 and has acknowledged 1 and 2 (counter 2). */
const begun = (count: number): HandMadeLedger =>
  ledgerOf(count).takes('a', 1).processes('a', 1, [1, 2]).acknowledges('a', 1, 2);

/** After that, a has let its lease expire and b took it at token 3. */
const takenOver = (count: number): HandMadeLedger => begun(count).passes(2_000).takes('b', 3);

describe('the check of a ledger', () => {
  describe('finds nothing wrong with', () => {
    it('one worker that reads and acknowledges everything', () => {
      expect(wrongWith(begun(4).moves('a').processes('a', 1, [3, 4]).acknowledges('a', 1, 4))).toEqual([]);
    });

    it('a clean change of hands, by release or by hand-over', () => {
      const released = begun(4).moves('a', { owner: undefined }).takes('b', 4);
      expect(wrongWith(released.processes('b', 4, [3, 4]).acknowledges('b', 4, 4))).toEqual([]);
      const handedOver = begun(4).moves('a', { owner: 'b' }).moves('b').says('b', 4, { kind: 'taken' });
      expect(wrongWith(handedOver.processes('b', 4, [3, 4]).acknowledges('b', 4, 4))).toEqual([]);
    });

    it('a worker that dies, after which all that it had not acknowledged comes again', () => {
      const made = begun(4).processes('a', 1, [3]).isKilled('a').passes(2_000).takes('b', 3);
      expect(wrongWith(made.processes('b', 3, [3, 4]).acknowledges('b', 3, 4))).toEqual([]);
    });

    it('a worker that loses its lease, is refused, and takes it back', () => {
      const made = begun(4)
        .processes('a', 1, [3])
        .passes(2_000)
        .takes('b', 3)
        .says('a', 1, { kind: 'asked', upTo: 3 })
        .says('a', 1, { kind: 'refused', upTo: 3, stored: 'no' })
        .says('a', 1, { kind: 'lost' })
        .processes('b', 3, [3])
        .acknowledges('b', 3, 3)
        .moves('b', { owner: undefined });
      expect(wrongWith(made.takes('a', 6).processes('a', 6, [4]).acknowledges('a', 6, 4))).toEqual([]);
    });

    it('a worker that takes its own expired lease, which only its own words tell from a renewal', () => {
      const made = begun(4).processes('a', 1, [3]).passes(2_000).says('a', 1, { kind: 'lost' }).takes('a', 3);
      expect(wrongWith(made.processes('a', 3, [3, 4]).acknowledges('a', 3, 4))).toEqual([]);
    });

    it('a checkpoint of which nobody knows whether it was stored, either way', () => {
      const made = begun(4).processes('a', 1, [3]).says('a', 1, { kind: 'asked', upTo: 3 });
      const told = made.moves('a', { number: 3 }).says('a', 1, { kind: 'refused', upTo: 3, stored: 'unknown' });
      const other = told.says('a', 1, { kind: 'lost' }).passes(2_000).takes('b', 4);
      expect(wrongWith(other.processes('b', 4, [4]).acknowledges('b', 4, 4))).toEqual([]);
    });
  });

  describe('of G1 finds', () => {
    it('a record that was never delivered', () => {
      const made = ledgerOf(3).takes('a', 1).processes('a', 1, [1, 2]).acknowledges('a', 1, 2);
      expect(wrongWith(made)).toEqual(['G1: record 3 of s was never delivered', 'G1: s is acknowledged up to 2 of 3']);
    });

    it('a record that was delivered, and acknowledged by nobody', () => {
      expect(wrongWith(begun(3).processes('a', 1, [3]))).toEqual(['G1: s is acknowledged up to 2 of 3']);
    });

    it('a record that comes again although it was acknowledged', () => {
      const made = takenOver(2).says('a', 1, { kind: 'lost' }).processes('b', 3, [2]).acknowledges('b', 3, 2);
      expect(wrongWith(made)).toEqual([
        'G2: b/s/3 was given 2 instead of 3',
        'G1: b/s/3 was given 2, after 2 was acknowledged',
      ]);
    });
  });

  describe('of G2 finds', () => {
    it('records in the wrong order, in one batch or over two', () => {
      const inOne = ledgerOf(2).takes('a', 1).processes('a', 1, [2, 1]).acknowledges('a', 1, 2);
      expect(wrongWith(inOne)).toContain('G2: a/s/1 was given 2 instead of 1');
      const overTwo = begun(4).processes('a', 1, [4]).processes('a', 1, [3]).acknowledges('a', 1, 4);
      expect(wrongWith(overTwo)).toContain('G2: a/s/1 was given 4 instead of 3');
    });

    it('a lease that is begun behind the checkpoint, over a record that somebody else had', () => {
      const made = begun(4).processes('a', 1, [3]).isKilled('a').passes(2_000).takes('b', 3);
      expect(wrongWith(made.processes('b', 3, [4]).acknowledges('b', 3, 4))).toEqual([
        'G2: b/s/3 was given 4 instead of 3',
      ]);
    });

    it('two calls at once for one processor', () => {
      const made = begun(4)
        .says('a', 1, { kind: 'begin', numbers: [3] })
        .processes('a', 1, [4])
        .acknowledges('a', 1, 4);
      expect(wrongWith(made)).toEqual(['G2: a/s/1 was called while a call was under way']);
    });
  });

  describe('of G3 finds', () => {
    it('a checkpoint that moves back', () => {
      const made = begun(2).says('a', 1, { kind: 'asked', upTo: 1 }).moves('a', { number: 1 });
      expect(wrongWith(made.acknowledges('a', 1, 2))).toEqual(['G3: a moved s back from 2 to 1']);
    });

    it('a checkpoint that is no record, and a row that is gone', () => {
      const strange = begun(2).writes('a', { counter: 3, owner: 'a', checkpoint: 'sequence-77' });
      expect(wrongWith(strange)).toContain('G3: a moved s to sequence-77, which is no record');
      expect(wrongWith(begun(2).writes('a', undefined))).toContain('G3: a moved s away: the row is gone');
    });

    it('a counter that moves back, or not with the checkpoint', () => {
      const back = begun(2).writes('a', { counter: 1, owner: 'a', checkpoint: 'sequence-2' });
      expect(wrongWith(back)).toEqual(["G3: a moved s's counter back from 2 to 1"]);
      const still = begun(3)
        .processes('a', 1, [3])
        .says('a', 1, { kind: 'asked', upTo: 3 })
        .writes('a', { counter: 2, owner: 'a', checkpoint: 'sequence-3' });
      expect(wrongWith(still)).toEqual(['G3: a moved s without moving its counter']);
    });

    it('a frozen worker that stores when another has the lease', () => {
      const made = begun(4).processes('a', 1, [3]).passes(2_000).takes('b', 3);
      const stored = made.processes('b', 3, [3, 4]).acknowledges('b', 3, 4).acknowledges('a', 1, 3);
      expect(wrongWith(stored)).toEqual(
        expect.arrayContaining(["G3: a wrote to s at 5, which is b's", 'G3: a moved s back from 4 to 3']),
      );
    });

    it('a frozen worker that renews when another has the lease', () => {
      expect(wrongWith(takenOver(2).moves('a'))).toEqual(["G3: a wrote to s at 4, which is b's"]);
    });

    it('a worker that delivers without ever having acquired the lease', () => {
      expect(wrongWith(begun(4).processes('b', 2, [3, 4]).acknowledges('a', 1, 4))).toContain(
        'G3: b/s/2 delivers, but never acquired the lease',
      );
    });

    it('a checkpoint that resolved and was not stored', () => {
      const made = begun(3).processes('a', 1, [3]).says('a', 1, { kind: 'stored', upTo: 3 });
      expect(wrongWith(made)).toEqual([
        'G1: s is acknowledged up to 2 of 3',
        'G3: a/s/1 was told that 3 is stored, and it was not',
      ]);
    });

    it('a checkpoint that was refused for certain and was stored', () => {
      const made = begun(3).processes('a', 1, [3]).says('a', 1, { kind: 'asked', upTo: 3 });
      const refused = made.moves('a', { number: 3 }).says('a', 1, { kind: 'refused', upTo: 3, stored: 'no' });
      expect(wrongWith(refused)).toEqual(['G3: a/s/1 was told that 3 is not stored, and it was']);
    });
  });

  describe('of G4 finds', () => {
    it('a batch that begins after another has acquired the lease', () => {
      const made = takenOver(4).says('a', 1, { kind: 'lost' }).processes('a', 1, [3]);
      expect(wrongWith(made.processes('b', 3, [3, 4]).acknowledges('b', 3, 4))).toEqual([
        'G4: a/s/1 began 3 30 ms after b/s/3 had acquired the lease',
      ]);
    });

    it('a batch that begins under a lease that the same worker has lost and taken again', () => {
      const made = begun(4).passes(2_000).says('a', 1, { kind: 'lost' }).takes('a', 3).processes('a', 1, [3]);
      expect(wrongWith(made.processes('a', 3, [3, 4]).acknowledges('a', 3, 4))).toEqual([
        'G4: a/s/1 began 3 20 ms after a/s/3 had acquired the lease',
      ]);
    });

    it('a batch that begins a failover time after the last write, although nobody has taken the lease yet', () => {
      expect(wrongWith(begun(3).passes(960).processes('a', 1, [3]).acknowledges('a', 1, 3))).toEqual([]);
      expect(wrongWith(begun(3).passes(980).processes('a', 1, [3]).acknowledges('a', 1, 3))).toEqual([
        'G4: a/s/1 began 3 1000 ms after its last write',
      ]);
    });
  });

  it('of G5 finds what comes twice although nobody lost a lease or was killed', () => {
    const made = begun(4).processes('a', 1, [3]).moves('a', { owner: undefined }).takes('b', 4);
    expect(wrongWith(made.processes('b', 4, [3, 4]).acknowledges('b', 4, 4))).toEqual([
      'G5: b/s/4 was given 3 again, which a/s/1 had without losing its lease',
    ]);
  });

  it('of G7 finds what was stored and not acknowledged, or by another', () => {
    const passed = begun(4)
      .processes('a', 1, [3, 4])
      .says('a', 1, { kind: 'asked', upTo: 3 })
      .moves('a', { number: 4 });
    expect(wrongWith(passed)).toEqual(['G7: a stored 4 of s, which nobody had acknowledged']);
    const afterwards = begun(3).processes('a', 1, [3]).moves('a', { number: 3 });
    expect(wrongWith(afterwards.says('a', 1, { kind: 'asked', upTo: 3 }))).toEqual([
      'G7: a stored 3 of s, which nobody had acknowledged',
    ]);
  });
});
