import { describe, expect, it } from '@jest/globals';
import { keptLeases, missing, wrongBeginnings, wrongResult, wrongRows, wrongWords } from '../src/check-stop';
import { ledgerOf, positionOf, type Account } from '../src/ledger';
import type { Position, WorkerMessage } from '../src/messages';

const shardId = 'shard-1';
const handed = (token: number, ...numbers: number[]): WorkerMessage => ({ kind: 'handed', shardId, token, numbers });
const acknowledged = (token: number, upTo: Position): WorkerMessage => ({
  kind: 'acknowledged',
  shardId,
  token,
  upTo,
});
const settled: WorkerMessage = { kind: 'settled', open: [] };
const account = (name: string, ...messages: WorkerMessage[]): Account => ({ name, messages });
const whatOf = (violations: readonly { readonly what: string }[]): readonly string[] =>
  violations.map(({ what }) => what);

describe('wrongBeginnings', () => {
  it('has nothing against a worker that goes on behind the last acknowledged record, heard of in any order', () => {
    const first = account('p1', handed(3, 1, 2, 3), acknowledged(3, 2), handed(3, 4, 5));
    const second = account('p2', handed(7, 3, 4, 5, 6), acknowledged(7, 6));
    expect(wrongBeginnings(ledgerOf([second, first]))).toEqual([]);
  });

  it('blames who stopped for a record that comes again, or is left out', () => {
    const first = account('p1', handed(3, 1, 2, 3), acknowledged(3, 2));
    expect(wrongBeginnings(ledgerOf([first, account('p2', handed(7, 2, 3))]))).toEqual([
      { name: 'p1', what: 'p2 was given record 2 of shard-1 first, acknowledged up to 2' },
    ]);
    expect(wrongBeginnings(ledgerOf([first, account('p2', handed(7, 4))]))).toEqual([
      { name: 'p1', what: 'p2 was given record 4 of shard-1 first, acknowledged up to 2' },
    ]);
  });

  it('wants the first of all to begin at the first record, and nobody at a shard that has ended', () => {
    expect(whatOf(wrongBeginnings(ledgerOf([account('p1', handed(3, 2))])))).toEqual([
      'p1 was given record 2 of shard-1 first, acknowledged up to 0',
    ]);
    const first = account('p1', handed(3, 1), acknowledged(3, 'shard end'));
    expect(whatOf(wrongBeginnings(ledgerOf([first, account('p2', handed(5, 2))])))).toEqual([
      'p2 was given record 2 of shard-1 first, acknowledged up to shard end',
    ]);
  });

  it('wants each record to follow the one before it', () => {
    expect(whatOf(wrongBeginnings(ledgerOf([account('p1', handed(3, 1, 2), handed(3, 4))])))).toEqual([
      'p1 was given record 4 of shard-1 behind 2',
    ]);
  });
});

describe('wrongWords', () => {
  it('has nothing against a worker that has ended and left nothing', () => {
    const result = { unfinishedShardIds: [], unfinished: [] };
    expect(wrongWords(account('p1', { kind: 'stopped', result }, settled))).toEqual([]);
  });

  it('tells what a clean stop forbids', () => {
    const result = { unfinishedShardIds: [shardId], unfinished: [] };
    expect(
      wrongWords(
        account(
          'p1',
          { kind: 'lost', shardId },
          { kind: 'refused', shardId, token: 1, why: 'no' },
          { kind: 'stopped', result },
          { kind: 'settled', open: ['Timeout', 'TCPSocketWrap'] },
        ),
      ),
    ).toEqual([
      'has lost the lease of shard-1',
      'a checkpoint of shard-1 was refused: no',
      'has left shard-1 to expire',
      'Timeout,TCPSocketWrap open after run() had resolved',
    ]);
    expect(wrongWords(account('p1'))).toEqual(['run() has not resolved']);
  });
});

describe('the lease table', () => {
  const ledger = ledgerOf([account('p1', handed(3, 1, 2, 3), acknowledged(3, 2))]);

  it('names nobody who has stopped', () => {
    const rows = [
      { shardId, owner: 'p1-0815', position: 2 },
      { shardId: 'shard-2', owner: 'p10-0815', position: 0 },
    ];
    expect(keptLeases(account('p1'), rows)).toEqual(['still owns shard-1']);
  });

  it('says what was acknowledged, not less and not more', () => {
    const rowAt = (position: Position | undefined) => [{ shardId, owner: undefined, position }];
    expect(wrongRows(ledger, rowAt(2))).toEqual([]);
    expect(wrongRows(ledger, rowAt(1))).toEqual(['shard-1 is stored up to 1, acknowledged up to 2']);
    expect(wrongRows(ledger, rowAt(3))).toEqual(['shard-1 is stored up to 3, acknowledged up to 2']);
    expect(wrongRows(ledger, rowAt('shard end'))).toEqual(['shard-1 is stored up to shard end, acknowledged up to 2']);
    expect(wrongRows(ledger, rowAt(undefined))).toEqual(['shard-1 is stored up to no record, acknowledged up to 2']);
    expect(wrongRows(ledger, [])).toEqual(['shard-1 has no row']);
  });
});

describe('wrongResult', () => {
  const stoppedWith = (...shardIds: string[]): WorkerMessage => ({
    kind: 'stopped',
    result: {
      unfinishedShardIds: [],
      unfinished: shardIds.map((id) => ({ shardId: id, inFlight: undefined, unacknowledged: undefined })),
    },
  });

  it('compares what stop() says with what is not acknowledged', () => {
    const some = [handed(3, 1, 2, 3), acknowledged(3, 2)];
    const open = account('p1', ...some, stoppedWith(shardId));
    expect(wrongResult(open, ledgerOf([open]))).toEqual([]);
    const silent = account('p1', ...some, stoppedWith());
    expect(wrongResult(silent, ledgerOf([silent]))).toEqual(['said that [] are unfinished, and [shard-1] are']);
    const wrong = account('p1', handed(3, 1), acknowledged(3, 1), stoppedWith(shardId));
    expect(wrongResult(wrong, ledgerOf([wrong]))).toEqual(['said that [shard-1] are unfinished, and [] are']);
  });
});

describe('missing', () => {
  it('names what nobody has acknowledged', () => {
    const ledger = ledgerOf([account('p1', handed(3, 1, 2, 3), acknowledged(3, 2))]);
    expect(positionOf(ledger, shardId)).toBe(2);
    expect(missing(ledger, { [shardId]: 2 })).toEqual([]);
    expect(missing(ledger, { [shardId]: 3, 'shard-2': 1 })).toEqual([
      'shard-1 is acknowledged up to 2 of 3',
      'shard-2 is acknowledged up to 0 of 1',
    ]);
  });
});
