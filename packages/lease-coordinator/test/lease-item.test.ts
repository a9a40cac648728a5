import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { checkpointAt, SHARD_END, TRIM_HORIZON } from '@millrace/core';
import { aLease } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { isLeaseItem, parseLeaseItem } from '../src/lease-item';

const leaseKey = 'shardId-000000000003';
const minimal = { leaseKey: { S: leaseKey }, leaseCounter: { N: '5' }, checkpoint: { S: 'TRIM_HORIZON' } };

describe('parseLeaseItem', () => {
  it('reads a row of KCL 2', () => {
    const row: Record<string, AttributeValue> = {
      leaseKey: { S: leaseKey },
      leaseCounter: { N: '187233' },
      leaseOwner: { S: 'ip-10-0-0-1:7b2e' },
      ownerSwitchesSinceCheckpoint: { N: '2' },
      checkpoint: { S: '49590338271490256608559692538361571095921575989136588898' },
      checkpointSubSequenceNumber: { N: '3' },
      parentShardId: { SS: ['shardId-000000000000', 'shardId-000000000001'] },
      childShardIds: { SS: ['shardId-000000000009'] },
      startingHashKey: { S: '0' },
      endingHashKey: { S: '340282366920938463463374607431768211455' },
      pendingCheckpoint: { S: 'TRIM_HORIZON' },
    };
    expect(parseLeaseItem(row)).toEqual(
      aLease({
        leaseKey,
        leaseCounter: 187_233,
        leaseOwner: 'ip-10-0-0-1:7b2e',
        ownerSwitchesSinceCheckpoint: 2,
        checkpoint: checkpointAt({
          sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
          subSequenceNumber: 3,
        }),
        parentShardIds: ['shardId-000000000000', 'shardId-000000000001'],
        childShardIds: ['shardId-000000000009'],
        typed: false,
      }),
    );
  });

  it('reads a row of KCL 3.5 during its graceful hand-over', () => {
    const row = {
      ...minimal,
      entityType: { S: 'LEASE' },
      leaseOwner: { S: 'next' },
      checkpointOwner: { S: 'current' },
      throughputKBps: { N: '17.250000' },
    };
    expect(parseLeaseItem(row)).toMatchObject({ leaseOwner: 'next', checkpointOwner: 'current', receiver: undefined });
  });

  it('reads a finished row, and one of KCL 1 without hash keys', () => {
    expect(parseLeaseItem({ ...minimal, checkpoint: { S: 'SHARD_END' } }).checkpoint).toEqual(SHARD_END);
    expect(parseLeaseItem(minimal)).toEqual(
      aLease({ leaseKey, leaseCounter: 5, checkpoint: TRIM_HORIZON, hashKeyRange: undefined, typed: false }),
    );
  });

  it('reads what Millrace adds', () => {
    const row = {
      ...minimal,
      entityType: { S: 'LEASE' },
      millraceReceiver: { S: 'b' },
      leaseOwner: { S: 'b' },
      millraceHandedOver: { S: 'b' },
      millraceEvicted: { BOOL: true },
      millraceHealed: { BOOL: true },
      millraceRoot: { BOOL: true },
      millraceFailoverMs: { N: '10000' },
      millraceAcquired: { N: '1700000000123' },
      millraceWrite: { S: 'a/7' },
    };
    expect(parseLeaseItem(row)).toMatchObject({
      ...{ typed: true, receiver: 'b', handedOver: true, evicted: true, healed: true, root: true },
      ...{ failoverTimeMs: 10_000, acquiredAtMs: 1_700_000_000_123, writeId: 'a/7' },
    });
  });

  it.each<[string, boolean, Record<string, string>]>([
    ['its owner', true, { leaseOwner: 'a' }],
    ['its owner, and asked for by another since', true, { leaseOwner: 'b', checkpointOwner: 'a', receiver: 'b' }],
    ['one from whom a KCL has taken it', false, { leaseOwner: 'kcl' }],
    [
      'one from whom a KCL has taken it after another asked',
      false,
      { leaseOwner: 'kcl', checkpointOwner: 'a', receiver: 'b' },
    ],
    ['one that is no more', false, {}],
  ])('says of a lease that was handed over to %s: %s', (_, handedOver, names) => {
    const { receiver, ...owners } = { ...names, millraceHandedOver: 'a' } as Record<string, string>;
    const texts = { ...owners, ...(receiver === undefined ? {} : { millraceReceiver: receiver }) };
    const row = Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, { S: value }]));
    expect(parseLeaseItem({ ...minimal, ...row }).handedOver).toBe(handedOver);
  });

  it.each<[string, Record<string, AttributeValue>]>([
    ['a checkpoint that is no position', { checkpoint: { S: 'LATTEST' } }],
    ['a checkpoint with leading zeros', { checkpoint: { S: '0049' } }],
    ['an empty checkpoint', { checkpoint: { S: '' } }],
    ['a counter that is text', { leaseCounter: { S: '5' } }],
    ['a counter that is not whole', { leaseCounter: { N: '5.5' } }],
    ['a counter beyond exact numbers', { leaseCounter: { N: '9007199254740993' } }],
    ['a sub-sequence number below zero', { checkpointSubSequenceNumber: { N: '-1' } }],
    ['an owner that is a number', { leaseOwner: { N: '5' } }],
    ['parents that are a list', { parentShardId: { L: [{ S: 'a' }] } }],
    ['a flag that is text', { millraceHealed: { S: 'true' } }],
    ['another entity', { entityType: { S: 'LEADER' } }],
  ])('refuses %s', (_, change) => {
    expect(() => parseLeaseItem({ ...minimal, ...change })).toThrow(
      expect.objectContaining({ code: 'LEASE_CORRUPT', leaseKey }),
    );
  });

  it.each(['leaseCounter', 'checkpoint'] as const)('refuses a row without %s', (name) => {
    const row: Record<string, AttributeValue> = { ...minimal };
    Reflect.deleteProperty(row, name);
    expect(() => parseLeaseItem(row)).toThrow(`${name} is missing`);
  });
});

describe('isLeaseItem', () => {
  it('takes a row without entityType for a lease', () => {
    expect(isLeaseItem(minimal)).toBe(true);
    expect(isLeaseItem({ ...minimal, entityType: { S: 'LEASE' } })).toBe(true);
    expect(isLeaseItem({ ...minimal, entityType: { S: 'WORKER_METRIC_STATS' } })).toBe(false);
  });
});
