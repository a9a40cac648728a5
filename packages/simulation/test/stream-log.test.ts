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

describe('records that have aged out', () => {
  it('need not be delivered any more, and the next of their key is the one behind them', () => {
    const { log, shard } = aLog(2, 2);
    log.ageOut(shard, 4, false);
    expect(shard.delivered).toBe(6);
    const next = shard.records[6];
    expect(next && log.firstDelivery(next)).toBeUndefined();
    expect(log.isHandled()).toBe(false);
  });

  it('are not acknowledged by that: no checkpoint may cover them yet', () => {
    const { log, shard } = aLog(9, 4);
    log.ageOut(shard, 2, false);
    expect(shard.acknowledged).toBe(4);
    expect([isDone(shard), log.isAcknowledged()]).toEqual([false, false]);
  });

  it('leave nothing to be done when they were the last ones', () => {
    const { log, shard } = aLog(0, 0);
    log.ageOut(shard, 0, true);
    expect([isDone(shard), log.isAcknowledged(), log.isHandled()]).toEqual([true, true, true]);
  });

  it('may be reported as such, and no others', () => {
    const { log, shard } = aLog(2, 2);
    log.ageOut(shard, 4, false);
    expect(['1005', '1006'].map((sequenceNumber) => log.hasAgedOut(shardId, sequenceNumber))).toEqual([true, false]);
    expect(log.hasAgedOut(shardId, undefined)).toBe(false);
    log.ageOut(shard, 0, true);
    expect(log.hasAgedOut(shardId, undefined)).toBe(true);
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
    log.ageOut(shard, 4, false);
    log.settleOne(shard, 6);
    expect(shard.acknowledged).toBe(7);
  });
});
