import { describe, expect, it } from '@jest/globals';
import { DeliveryLedger } from '../src/delivery-ledger';

function ledgerWith(put: readonly string[], deliveries: readonly (readonly string[])[]): DeliveryLedger {
  const ledger = new DeliveryLedger();
  for (const name of put) ledger.addPut(record(name));
  for (const batch of deliveries) {
    ledger.addDeliveries(batch.map((name) => ({ ...record(name), workerId: 'w', subSequenceNumber: 0 })))();
  }
  return ledger;
}

/** `a1` is the record 1 of key a. */
function record(name: string): { partitionKey: string; shardId: string; sequenceNumber: string } {
  return { partitionKey: name.charAt(0), shardId: 'shard', sequenceNumber: name };
}

describe('the ledger of deliveries', () => {
  it('is content when every record was processed once, in the order of its key', () => {
    const ledger = ledgerWith(['a1', 'b1', 'a2', 'b2'], [['b1', 'b2'], ['a1'], ['a2']]);
    ledger.assertNothingLost();
    ledger.assertOrderPerKey();
    ledger.assertNoDuplicates();
  });

  it('misses records that were handed over in a call that did not resolve', () => {
    const ledger = ledgerWith(['a1'], []);
    ledger.addDeliveries([{ ...record('a1'), workerId: 'w', subSequenceNumber: 0 }]);
    expect(ledger.unprocessed).toHaveLength(1);
    expect(() => ledger.assertNothingLost()).toThrow('1 of 1 records were not processed:\n  shard a a1');
  });

  it('shows ten, and says how many more', () => {
    const ledger = ledgerWith(
      Array.from({ length: 12 }, (_, index) => `a${index}`),
      [],
    );
    expect(() => ledger.assertNothingLost()).toThrow(/a9\n {2}… and 2 more$/);
  });

  it('finds a key whose records came out of order', () => {
    const ledger = ledgerWith(['a1', 'b1', 'a2'], [['a2'], ['b1'], ['a1']]);
    expect(() => ledger.assertOrderPerKey()).toThrow('1 keys were delivered out of order:\n  key a: a2 came before a1');
  });

  it('takes a repetition for no disorder, and counts it', () => {
    const ledger = ledgerWith(['a1', 'a2'], [['a1'], ['a1', 'a2']]);
    ledger.assertOrderPerKey();
    expect(ledger.duplicates()).toMatchObject([{ sequenceNumber: 'a1', deliveries: [{}, {}] }]);
    expect(() => ledger.assertNoDuplicates()).toThrow(
      '1 records were delivered more than once:\n  a a1/0: shard to w, shard to w',
    );
  });

  it('tells the records of an aggregate apart', () => {
    const ledger = ledgerWith(['a1'], []);
    for (const subSequenceNumber of [0, 1]) {
      ledger.addDeliveries([{ ...record('a1'), workerId: 'w', subSequenceNumber }])();
    }
    ledger.assertNoDuplicates();
    ledger.assertNothingLost();
  });
});
