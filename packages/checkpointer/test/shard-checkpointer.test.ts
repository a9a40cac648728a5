import { describe, expect, it } from '@jest/globals';
import {
  checkpointAt,
  CheckpointNotStoredError,
  CheckpointOutOfRangeError,
  compareCheckpoints,
  LeaseLostError,
  SHARD_END,
  TRIM_HORIZON,
  type RecordPosition,
} from '@millrace/core';
import fc from 'fast-check';
import { ShardCheckpointer } from '../src';
import { InMemoryCheckpointStore } from '../src/testing';

const at = (sequenceNumber: string, subSequenceNumber = 0): RecordPosition => ({ sequenceNumber, subSequenceNumber });

function aCheckpointer(): { store: InMemoryCheckpointStore; checkpointer: ShardCheckpointer } {
  const store = new InMemoryCheckpointStore();
  return { store, checkpointer: new ShardCheckpointer({ shardId: 'shard-1', start: TRIM_HORIZON, store }) };
}

describe('ShardCheckpointer', () => {
  it('stores up to and including a given record', async () => {
    const { store, checkpointer } = aCheckpointer();
    checkpointer.deliver(at('10', 9));
    await checkpointer.handle().checkpoint(at('10', 4));
    expect(store.stored).toEqual([checkpointAt(at('10', 4))]);
  });

  it('refuses a record that was not delivered, and stores nothing', async () => {
    const { store, checkpointer } = aCheckpointer();
    await expect(checkpointer.handle().checkpoint(at('5'))).rejects.toThrow(CheckpointOutOfRangeError);
    checkpointer.deliver(at('10', 1));
    await expect(checkpointer.handle().checkpoint(at('10', 2))).rejects.toThrow(
      'record 10/2 was not handed to this processor; the last one was 10/1',
    );
    expect(store.stored).toEqual([]);
    expect(checkpointer.acknowledged).toEqual(TRIM_HORIZON);
  });

  it.each([
    [{ sequenceNumber: '5' } as RecordPosition],
    [{ sequenceNumber: 5, subSequenceNumber: 0 } as unknown as RecordPosition],
    [{ sequenceNumber: 'LATEST', subSequenceNumber: 0 }],
    [{ sequenceNumber: '5', subSequenceNumber: -1 }],
    [{ sequenceNumber: '5', subSequenceNumber: 0.5 }],
  ])('refuses what is not a position instead of guessing: %j', async (position) => {
    const { store, checkpointer } = aCheckpointer();
    checkpointer.deliver(at('10'));
    await expect(checkpointer.handle().checkpoint(position)).rejects.toThrow(CheckpointOutOfRangeError);
    expect(store.stored).toEqual([]);
  });

  it('never moves backwards, and resolves for what is stored already', async () => {
    const { store, checkpointer } = aCheckpointer();
    checkpointer.deliver(at('10', 9));
    await checkpointer.handle().checkpoint(at('10', 5));
    await checkpointer.handle().checkpoint(at('10', 2));
    await checkpointer.handle().checkpoint(at('10', 5));
    expect(store.stored).toHaveLength(1);
  });

  it('shares one write between calls that overlap', async () => {
    const { store, checkpointer } = aCheckpointer();
    let open = (): void => undefined;
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    checkpointer.deliver(at('30'));
    const calls = ['10', '20', '30'].map((sequence) => checkpointer.handle().checkpoint(at(sequence)));
    open();
    await Promise.all(calls);
    expect(store.stored).toEqual([checkpointAt(at('30'))]);
  });

  it('asks about the position that a call is for, though the write carries more by then', async () => {
    const { store, checkpointer } = aCheckpointer();
    store.next = { kind: 'lost', stored: 'unknown' };
    checkpointer.deliver(at('30'));
    const calls = ['10', '30'].map((sequence) => checkpointer.handle().checkpoint(at(sequence)));
    await Promise.allSettled(calls);
    expect(store.asked).toEqual(['10', '30'].map((sequence) => checkpointAt(at(sequence))));
  });

  it('counts only what was asked for as stored when the lease is lost: of what else the write carried nobody knows', async () => {
    const { store, checkpointer } = aCheckpointer();
    checkpointer.deliver(at('12'));
    store.next = { kind: 'lost', stored: 'yes' };
    const handle = checkpointer.handle();
    checkpointer.acknowledge(at('12'));
    await handle.checkpoint(at('10'));
    store.next = { kind: 'lost', stored: 'no' };
    await expect(handle.checkpoint(at('11'))).rejects.toThrow(LeaseLostError);
    expect(checkpointer.stored).toEqual(checkpointAt(at('10')));
  });

  it('does nothing when nothing was delivered yet', async () => {
    const { store, checkpointer } = aCheckpointer();
    await checkpointer.handle().checkpoint();
    expect(store.stored).toEqual([]);
  });

  it.each(['no', 'unknown'] as const)('says whether a lost checkpoint was stored: %s', async (stored) => {
    const { store, checkpointer } = aCheckpointer();
    store.next = { kind: 'lost', stored };
    checkpointer.deliver(at('10'));
    const error: unknown = await checkpointer
      .handle()
      .checkpoint()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LeaseLostError);
    expect((error as LeaseLostError).stored).toBe(stored);
  });

  it('can be called again after a write that failed', async () => {
    const { store, checkpointer } = aCheckpointer();
    store.next = { kind: 'failed', error: new Error('throttled') };
    checkpointer.deliver(at('10'));
    await expect(checkpointer.handle().checkpoint()).rejects.toThrow(CheckpointNotStoredError);
    expect(checkpointer.stored).toEqual(TRIM_HORIZON);
    store.next = undefined;
    await checkpointer.handle().checkpoint();
    expect(store.stored).toEqual([checkpointAt(at('10'))]);
  });

  it('stores what was acknowledged without a write when flushed, once', async () => {
    const { store, checkpointer } = aCheckpointer();
    checkpointer.deliver(at('10'));
    checkpointer.acknowledge(at('10'));
    await checkpointer.flush();
    await checkpointer.flush();
    expect(store.stored).toEqual([checkpointAt(at('10'))]);
  });

  it('stores shard end also when the last record was checkpointed before', async () => {
    const { store, checkpointer } = aCheckpointer();
    checkpointer.deliver(at('10'));
    await checkpointer.handle().checkpoint();
    await checkpointer.finish();
    await checkpointer.handle().checkpoint();
    expect(store.stored).toEqual([checkpointAt(at('10')), SHARD_END]);
  });

  it('knows what comes again: what was delivered behind the last that is known to be stored, without its contents', async () => {
    const { store, checkpointer } = aCheckpointer();
    expect(checkpointer.toBeRedelivered()).toBeUndefined();
    const record = { ...at('10', 9), data: 'secret' };
    checkpointer.deliver(record);
    expect(checkpointer.toBeRedelivered()).toEqual({ after: TRIM_HORIZON, upTo: at('10', 9) });
    const last = { ...at('11', 0), data: 'secret' };
    expect(checkpointer.toBeRedelivered(last)).toEqual({ after: TRIM_HORIZON, upTo: at('11', 0) });
    await checkpointer.handle().checkpoint(at('10', 4));
    expect(checkpointer.toBeRedelivered()).toEqual({ after: checkpointAt(at('10', 4)), upTo: at('10', 9) });
    store.next = { kind: 'failed', error: new Error('throttled') };
    await expect(checkpointer.handle().checkpoint()).rejects.toThrow(CheckpointNotStoredError);
    expect(checkpointer.toBeRedelivered()).toEqual({ after: checkpointAt(at('10', 4)), upTo: at('10', 9) });
    store.next = undefined;
    await checkpointer.flush();
    expect(checkpointer.toBeRedelivered()).toBeUndefined();
  });

  it('stores only growing positions that were delivered and acknowledged, whatever the order of calls', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ deliver: fc.nat(20), acknowledge: fc.nat(20), fails: fc.boolean() }), { maxLength: 30 }),
        async (steps) => {
          const { store, checkpointer } = aCheckpointer();
          let delivered = -1;
          let acknowledged = -1;
          const calls: Promise<void>[] = [];
          for (const { deliver, acknowledge, fails } of steps) {
            delivered = Math.max(delivered, deliver);
            checkpointer.deliver(at(String(delivered)));
            store.next = fails ? { kind: 'failed', error: new Error('no') } : undefined;
            if (acknowledge <= delivered) acknowledged = Math.max(acknowledged, acknowledge);
            calls.push(checkpointer.handle().checkpoint(at(String(acknowledge))));
            if (fails) await Promise.allSettled(calls);
          }
          await Promise.allSettled(calls);
          for (const [index, checkpoint] of store.stored.entries()) {
            expect(checkpoint).toMatchObject({ kind: 'sequence-number' });
            if (checkpoint.kind !== 'sequence-number') continue;
            expect(Number(checkpoint.sequenceNumber)).toBeLessThanOrEqual(acknowledged);
            const before = store.stored[index - 1];
            if (before !== undefined) expect(compareCheckpoints(before, checkpoint)).toBeLessThan(0);
          }
        },
      ),
    );
  });
});

describe('the traps that others fell into', () => {
  it('trap 10: acknowledgements out of order. Each stands for the call that it came with: one never covers a later call, nor takes a later one back', async () => {
    const { store, checkpointer } = aCheckpointer();
    checkpointer.deliver(at('10', 3));
    const first = checkpointer.handle();
    checkpointer.deliver(at('20'));
    const second = checkpointer.handle();
    checkpointer.deliver(at('30'));
    await first.checkpoint();
    expect(store.stored).toEqual([checkpointAt(at('10', 3))]);
    await second.checkpoint();
    await first.checkpoint();
    expect(store.stored).toEqual([checkpointAt(at('10', 3)), checkpointAt(at('20'))]);
    expect(checkpointer.acknowledged).toEqual(checkpointAt(at('20')));
  });
});

describe('a record that is let go', () => {
  it('counts as acknowledged once everything before it is', async () => {
    const { store, checkpointer } = aCheckpointer();
    checkpointer.deliver(at('12'));
    checkpointer.letGo(at('12'), checkpointAt(at('11')));
    expect(checkpointer.acknowledged).toEqual(TRIM_HORIZON);
    expect(checkpointer.hasUnacknowledged).toBe(true);
    await checkpointer.handle().checkpoint(at('10'));
    expect(checkpointer.acknowledged).toEqual(checkpointAt(at('10')));
    await checkpointer.handle().checkpoint(at('11'));
    expect(store.stored.at(-1)).toEqual(checkpointAt(at('12')));
    expect(checkpointer.hasUnacknowledged).toBe(false);
  });

  it('carries those along that come right behind it', () => {
    const { checkpointer } = aCheckpointer();
    checkpointer.deliver(at('14'));
    checkpointer.letGo(at('12'), checkpointAt(at('11')));
    checkpointer.letGo(at('13'), checkpointAt(at('12')));
    checkpointer.acknowledge(at('11'));
    expect(checkpointer.acknowledged).toEqual(checkpointAt(at('13')));
  });

  it('may be the first of the shard, and does not move back what is acknowledged', () => {
    const { checkpointer } = aCheckpointer();
    checkpointer.deliver(at('1'));
    checkpointer.letGo(at('1'), TRIM_HORIZON);
    expect(checkpointer.acknowledged).toEqual(checkpointAt(at('1')));
    checkpointer.deliver(at('9'));
    checkpointer.acknowledge(at('9'));
    checkpointer.letGo(at('5'), checkpointAt(at('4')));
    expect(checkpointer.acknowledged).toEqual(checkpointAt(at('9')));
  });

  it('must have been delivered', () => {
    const { checkpointer } = aCheckpointer();
    expect(() => checkpointer.letGo(at('5'), TRIM_HORIZON)).toThrow(CheckpointOutOfRangeError);
  });

  it('passes exactly what was acknowledged or let go, from the first record on', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('acknowledges', 'lets go', 'buffers'), { maxLength: 30 }), (steps) => {
        const { checkpointer } = aCheckpointer();
        const gone = new Set<number>();
        let acknowledged = 0;
        for (const [index, step] of steps.entries()) {
          const record = index + 1;
          checkpointer.deliver(at(String(record)));
          if (step === 'lets go') {
            checkpointer.letGo(at(String(record)), index === 0 ? TRIM_HORIZON : checkpointAt(at(String(index))));
            gone.add(record);
          }
          if (step === 'acknowledges') {
            checkpointer.acknowledge(at(String(record)));
            acknowledged = record;
          }
          let passed = acknowledged;
          while (gone.has(passed + 1)) passed++;
          expect(checkpointer.acknowledged).toEqual(passed === 0 ? TRIM_HORIZON : checkpointAt(at(String(passed))));
        }
      }),
    );
  });
});
