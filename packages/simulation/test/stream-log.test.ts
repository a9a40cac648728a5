import { describe, expect, it } from '@jest/globals';
import { isDone, StreamLog, type ShardLog } from '../src/stream-log';

const shardId = 'shardId-000000000000';

/** Records 0 to 9 of one key, of which some were delivered and acknowledged. */
function aLog(delivered: number, acknowledged: number): { readonly log: StreamLog; readonly shard: ShardLog } {
  const log = new StreamLog();
  log.addShard(shardId, [], 0);
  for (let number = 0; number < 10; number++) log.put(shardId, `100${number}`, { key: 'k', number, atMs: number });
  const shard = log.shard(shardId);
  if (shard === undefined) throw new Error('no shard');
  for (const record of shard.records.slice(0, delivered)) log.firstDelivery(record);
  shard.delivered = delivered;
  shard.acknowledged = acknowledged;
  return { log, shard };
}

function ageOut(log: StreamLog, shard: ShardLog, kept: number | undefined): void {
  log.keepOnly(shard, kept);
  log.ageOut(shard);
}

describe('records that have aged out', () => {
  it('need not be delivered any more, and the next of their key is the one behind them', () => {
    const { log, shard } = aLog(2, 2);
    ageOut(log, shard, 4);
    expect(shard.delivered).toBe(6);
    const next = shard.records[6];
    expect(next && log.firstDelivery(next)).toBeUndefined();
    expect(log.isHandled()).toBe(false);
  });

  it('are not acknowledged by that: no checkpoint may cover them yet', () => {
    const { log, shard } = aLog(9, 4);
    ageOut(log, shard, 2);
    expect(shard.acknowledged).toBe(4);
    expect([isDone(shard), log.isAcknowledged()]).toEqual([false, false]);
  });

  it('leave nothing to be done when they were the last ones', () => {
    const { log, shard } = aLog(0, 0);
    ageOut(log, shard, undefined);
    expect([isDone(shard), log.isAcknowledged(), log.isHandled()]).toEqual([true, true, true]);
  });

  it('may be reported as such, and no others', () => {
    const { log, shard } = aLog(2, 2);
    ageOut(log, shard, 4);
    expect(['1005', '1006'].map((sequenceNumber) => log.isGone(shardId, sequenceNumber))).toEqual([true, false]);
    expect(log.isGone(shardId, undefined)).toBe(false);
    ageOut(log, shard, undefined);
    expect(log.isGone(shardId, undefined)).toBe(true);
  });

  it('may be reported also when they had to be acknowledged first, and may not be lost for that', () => {
    const { log, shard } = aLog(2, 2);
    log.keepOnly(shard, 4);
    expect(['1005', '1006'].map((sequenceNumber) => log.isGone(shardId, sequenceNumber))).toEqual([true, false]);
    log.settleOne(shard, 6);
    expect([shard.acknowledged, shard.agedOut, shard.delivered]).toEqual([2, 0, 2]);
  });
});

describe('records that were let go', () => {
  it('count as acknowledged once all before them do', () => {
    const { log, shard } = aLog(9, 3);
    log.settleOne(shard, 5);
    expect(shard.acknowledged).toBe(3);
    log.settleOne(shard, 3);
    expect(shard.acknowledged).toBe(4);
    log.acknowledge(shard, 5);
    expect(shard.acknowledged).toBe(6);
  });

  it('do so at once behind records that have aged out', () => {
    const { log, shard } = aLog(2, 2);
    ageOut(log, shard, 4);
    log.settleOne(shard, 6);
    expect(shard.acknowledged).toBe(7);
  });
});
