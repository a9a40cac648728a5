import { describe, expect, it } from '@jest/globals';
import { Chance } from '../src/chance';
import type { ServiceCall } from '../src/service-call';
import { VirtualTime } from '../src/virtual-time';
import { WaitingWrites } from '../src/waiting-writes';

const leaseKey = 'shardId-000000000000';
const latestMs = 60_000;

const updates = {
  renews: 'SET millraceWrite = :write ADD leaseCounter :one',
  'hands over': 'SET millraceWrite = :write, millraceHandedOver = leaseOwner ADD leaseCounter :one',
  cancels: 'SET millraceWrite = :write, leaseOwner = :me ADD leaseCounter :one',
  releases: 'SET millraceWrite = :write ADD leaseCounter :one REMOVE leaseOwner',
  takes: 'SET leaseOwner = :me, millraceFailoverMs = :failover',
  adopts: 'SET millraceWrite = :write, millraceFailoverMs = :failover',
  asks: 'SET leaseOwner = :receiver, checkpointOwner = :owner, millraceReceiver = :receiver',
  'shows life': 'SET millraceHeartbeat = :now',
} as const;

type Name = keyof typeof updates;

function write(kind: Name, id: string, who: string, key = leaseKey): ServiceCall {
  const named = kind === 'asks' ? { ':owner': { S: who }, ':receiver': { S: 'c' } } : { ':me': { S: who } };
  return {
    service: 'dynamodb',
    operation: 'UpdateItem',
    input: {
      Key: { leaseKey: { S: key } },
      UpdateExpression: updates[kind],
      ExpressionAttributeValues: { ...named, ':write': { S: id } },
    },
  };
}

interface Row {
  readonly owner?: string;
  /** Of whom the owner has asked for it. */
  readonly asked?: string;
  readonly isHandedOver?: boolean;
}

/** One row, and one write that waits for it; what arrives is noted with its moment. */
function waitingFor(held: ServiceCall, seed = 1) {
  const time = new VirtualTime();
  let item = {};
  const waiting = new WaitingWrites({ time, chance: new Chance(seed), aws: { item: () => item } });
  const arrivedAtMs: number[] = [];
  const isHeld = waiting.hold(held, latestMs, () => arrivedAtMs.push(time.nowMs));
  const become = ({ owner, asked, isHandedOver }: Row): void => {
    item = {
      leaseKey: { S: leaseKey },
      leaseCounter: { N: '7' },
      ...(owner === undefined ? {} : { leaseOwner: { S: owner } }),
      ...(asked === undefined ? {} : { checkpointOwner: { S: asked }, millraceReceiver: { S: owner } }),
      ...(isHandedOver === true ? { millraceHandedOver: { S: owner } } : {}),
    };
  };
  const runUntil = (untilMs: number): readonly number[] => {
    while (time.step(untilMs));
    return arrivedAtMs;
  };
  return { waiting, isHeld, become, runUntil, time };
}

/** Whether it arrives soon after another write has made the row like this. */
function arrivesAt(held: ServiceCall, row: Row, seed?: number): boolean {
  const { waiting, become, runUntil } = waitingFor(held, seed);
  become(row);
  waiting.applied(write('renews', 'other', 'x'));
  return runUntil(301).length === 1;
}

const askedOfA: Row = { owner: 'b', asked: 'a' };

describe('late writes that wait', () => {
  it.each<[Name, Row, Row]>([
    ['hands over', askedOfA, { owner: 'a' }],
    ['cancels', askedOfA, { owner: 'a' }],
    ['releases', { owner: 'a' }, { owner: 'b' }],
    ['adopts', { owner: 'a' }, { owner: 'b' }],
    ['renews', askedOfA, { owner: 'b' }],
    ['takes', { owner: 'b' }, { owner: 'b', isHandedOver: true }],
    ['takes', { owner: 'c', asked: 'b' }, askedOfA],
  ])('for the moment at which only the counter forbids what it %s', (kind, dangerous, harmless) => {
    expect(arrivesAt(write(kind, 'late', 'a'), dangerous)).toBe(true);
    expect(arrivesAt(write(kind, 'late', 'a'), harmless)).toBe(false);
  });

  it('as requests do for each of the moments at which only the owner forbids them', () => {
    const arrivals = (row: Row): number =>
      Array.from({ length: 60 }, (_, seed) => arrivesAt(write('asks', 'late', 'a'), row, seed + 1)).filter(Boolean)
        .length;
    const [ofAnother, asking] = [arrivals({ owner: 'b' }), arrivals({ owner: 'a', asked: 'b' })];
    expect(ofAnother).toBeGreaterThan(0);
    expect(asking).toBeGreaterThan(0);
    // Some of them wait for an adoption.
    expect(ofAnother + asking).toBeLessThan(60);
    expect(arrivals({ owner: 'a' })).toBe(0);
    expect(arrivals({ owner: 'b', asked: 'd' })).toBe(0);
  });

  it('arrive right before an adoption if they ask the one who adopts', () => {
    const arrivals = Array.from({ length: 60 }, (_, seed) => {
      const { waiting, become, runUntil } = waitingFor(write('asks', 'late', 'a'), seed + 1);
      become({ owner: 'a', isHandedOver: true });
      waiting.applied(write('renews', 'other', 'x'));
      waiting.arriving(write('renews', 'other', 'a'));
      const early = runUntil(1_000).length;
      waiting.arriving(write('adopts', 'adoption', 'a'));
      return [early, runUntil(1_000).length];
    });
    expect(arrivals).toContainEqual([0, 1]);
    expect(arrivals).toContainEqual([0, 0]);
    expect(arrivals).not.toContainEqual([1, 1]);
  });

  it('arrive once, whatever comes later', () => {
    const { waiting, become, runUntil } = waitingFor(write('releases', 'late', 'a'));
    become({ owner: 'a' });
    waiting.applied(write('adopts', 'first', 'a'));
    waiting.applied(write('renews', 'second', 'a'));
    const [atMs] = runUntil(301);
    expect(atMs).toBeGreaterThanOrEqual(1);
    waiting.applied(write('renews', 'third', 'a'));
    expect(runUntil(2 * latestMs)).toHaveLength(1);
  });

  it('arrive at their latest if their moment has not come, or has come just before', () => {
    const never = waitingFor(write('releases', 'late', 'a'));
    expect(never.runUntil(2 * latestMs)).toEqual([latestMs]);
    never.become({ owner: 'a' });
    never.waiting.applied(write('adopts', 'first', 'a'));
    expect(never.runUntil(3 * latestMs)).toEqual([latestMs]);
    const justBefore = waitingFor(write('releases', 'late', 'a'));
    justBefore.become({ owner: 'a' });
    justBefore.runUntil(latestMs - 0.5);
    justBefore.waiting.applied(write('adopts', 'first', 'a'));
    expect(justBefore.runUntil(2 * latestMs)).toEqual([latestMs]);
  });

  it('do not see their own repetition, nor what happens to other rows', () => {
    const { waiting, become, runUntil } = waitingFor(write('renews', 'late', 'a'));
    become({ owner: 'a' });
    waiting.applied(write('renews', 'late', 'a'));
    waiting.applied(write('renews', 'other', 'a', 'shardId-000000000001'));
    expect(runUntil(1_000)).toEqual([]);
  });

  it('are only those that have a moment', () => {
    expect(waitingFor(write('shows life', 'late', 'a')).isHeld).toBe(false);
    expect(waitingFor(write('renews', 'late', 'a')).isHeld).toBe(true);
  });
});
