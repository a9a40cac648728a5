import { describe, expect, it } from '@jest/globals';
import { DeliveryLedger, type PutRecord } from '../src/delivery-ledger';

/** Records by names such as `a1`: the record 1 of key a. */
function ledgerOf(...put: readonly string[]): DeliveryLedger {
  const ledger = new DeliveryLedger();
  for (const name of put) ledger.addPut(record(name));
  return ledger;
}

function record(name: string, explicitHashKey?: string): PutRecord {
  return { partitionKey: name.charAt(0), explicitHashKey, shardId: 'shard', sequenceNumber: name };
}

function begin(ledger: DeliveryLedger, ...names: readonly string[]): ReturnType<DeliveryLedger['addDeliveries']> {
  return ledger.addDeliveries(names.map((name) => ({ ...record(name), workerName: 'w', subSequenceNumber: 0 })));
}

function process(ledger: DeliveryLedger, ...names: readonly string[]): void {
  begin(ledger, ...names).settle('processed');
}

describe('the ledger of deliveries', () => {
  it('is content when every record was processed once, in the order of its key', () => {
    const ledger = ledgerOf('a1', 'b1', 'a2', 'b2');
    process(ledger, 'b1', 'b2');
    process(ledger, 'a1');
    process(ledger, 'a2');
    ledger.assertNothingLost();
    ledger.assertOrderPerKey();
    ledger.assertNoDuplicates();
  });

  it('misses records that were handed over in a call that failed, or has not ended', () => {
    const ledger = ledgerOf('a1', 'a2');
    begin(ledger, 'a1').settle('failed');
    begin(ledger, 'a2');
    expect(ledger.unprocessedCount).toBe(2);
    expect(() => ledger.assertNothingLost()).toThrow('2 of 2 records were not processed:\n  shard a a1\n  shard a a2');
  });

  it('takes the first word about a call: a worker that crashed has not processed anything later', () => {
    const ledger = ledgerOf('a1');
    const call = begin(ledger, 'a1');
    call.settle('failed');
    call.settle('processed');
    expect(ledger.deliveries).toMatchObject([{ outcome: 'failed' }]);
    expect(ledger.unprocessedCount).toBe(1);
  });

  it('shows ten, and says how many more', () => {
    const ledger = ledgerOf(...Array.from({ length: 12 }, (_, index) => `a${index}`));
    expect(() => ledger.assertNothingLost()).toThrow(/a9\n {2}… and 2 more$/);
  });

  it('tells the records of an aggregate apart', () => {
    const ledger = ledgerOf('a1');
    for (const subSequenceNumber of [0, 1]) {
      ledger.addDeliveries([{ ...record('a1'), workerName: 'w', subSequenceNumber }]).settle('processed');
    }
    ledger.assertNoDuplicates();
    ledger.assertNothingLost();
  });

  it('counts what was delivered again', () => {
    const ledger = ledgerOf('a1', 'a2');
    process(ledger, 'a1');
    process(ledger, 'a1', 'a2');
    expect(ledger.duplicates()).toMatchObject([{ sequenceNumber: 'a1', deliveries: [{}, {}] }]);
    expect(() => ledger.assertNoDuplicates()).toThrow(
      '1 records were delivered more than once:\n  a a1/0: shard to w, shard to w',
    );
  });
});

describe('the order of a key', () => {
  it('is broken by a record that came before an earlier one', () => {
    const ledger = ledgerOf('a1', 'b1', 'a2');
    process(ledger, 'a2');
    process(ledger, 'b1');
    process(ledger, 'a1');
    expect(() => ledger.assertOrderPerKey()).toThrow(
      '1 records were delivered out of order:\n  key a: a2 came before a1 was done with',
    );
  });

  it('is broken by a record whose predecessor never came', () => {
    const ledger = ledgerOf('a1', 'a2');
    process(ledger, 'a2');
    expect(() => ledger.assertOrderPerKey()).toThrow('a2 came before a1');
  });

  it('is broken by a record that came while a call with its predecessor was under way', () => {
    const ledger = ledgerOf('a1', 'a2');
    const call = begin(ledger, 'a1');
    process(ledger, 'a2');
    call.settle('processed');
    expect(() => ledger.assertOrderPerKey()).toThrow('a2 came before a1');
  });

  it('is kept by repetitions, and by a call that failed before the next one', () => {
    const ledger = ledgerOf('a1', 'a2', 'a3');
    begin(ledger, 'a1', 'a2').settle('failed');
    process(ledger, 'a1', 'a2');
    process(ledger, 'a2');
    process(ledger, 'a3');
    ledger.assertOrderPerKey();
  });

  it('says nothing about records that were put to different hash keys', () => {
    const ledger = new DeliveryLedger();
    ledger.addPut(record('a1', '0'));
    ledger.addPut(record('a2', '9'));
    process(ledger, 'a2');
    process(ledger, 'a1');
    ledger.assertOrderPerKey();
  });
});
