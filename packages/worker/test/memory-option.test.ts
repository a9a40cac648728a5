import { describe, expect, it } from '@jest/globals';
import { ManualClock, RecordingLogger } from '@millrace/core/testing';
import { MemoryBudget, Worker } from '../src';
import { defaultBudgetBytes, memoryLimitBytes, resolveMemory } from '../src/memory-option';
import { MemoryWatch } from '../src/memory-watch';

const MB = 1_000_000;

describe('the memory budget', () => {
  it.each([
    ['a small container', 512 * MB, 128 * MB],
    ['a large one', 8_000 * MB, 256 * MB],
    ['one that is too small for Node.js', 32 * MB, 16 * MB],
    ['a limit that is no multiple of four', 100 * MB + 3, 25 * MB],
  ])('is by default, in %s, the smaller of 256 MB and a quarter of the limit', (_, limit, budget) => {
    expect(defaultBudgetBytes(limit)).toBe(budget);
  });

  it.each([
    ['of the container', 512 * MB, 512 * MB],
    ['of the machine, without one for the container', 0, 16_000 * MB],
    ['of the machine, if that is all there is', 2 ** 64, 16_000 * MB],
  ])('counts by the limit %s', (_, constrained, limit) => {
    expect(memoryLimitBytes(constrained, 16_000 * MB)).toBe(limit);
  });

  it('is made of a size, or is one that others share, or the default', () => {
    const problems: string[] = [];
    const shared = new MemoryBudget(1);
    expect(resolveMemory({ budgetBytes: 16 * MB }, problems)?.bytes).toBe(16 * MB);
    expect(resolveMemory(shared, problems)).toBe(shared);
    expect(resolveMemory({}, problems)).toBeUndefined();
    expect(resolveMemory(undefined, problems)).toBeUndefined();
    expect(problems).toEqual([]);
  });

  it.each([
    null,
    5,
    { budgetBytes: 16 * MB - 1 },
    { budgetBytes: 16 * MB + 0.5 },
    { budgetBytes: '20 MB' },
    { bytes: 1 },
  ])('is refused as %j', (memory) => {
    const problems: string[] = [];
    resolveMemory(memory as never, problems);
    expect(problems).toHaveLength(1);
  });

  it('shows in the snapshot of every worker that shares it', async () => {
    const memory = new MemoryBudget(20 * MB);
    await memory.open().reserve({ least: 7, most: 7 }, new AbortController().signal);
    const workers = ['one', 'two'].map(
      (applicationName) =>
        new Worker({
          applicationName,
          streamName: 's',
          processorFactory: () => ({ processRecords: () => undefined }),
          memory,
        }),
    );
    for (const worker of workers) {
      expect(worker.snapshot().memory).toEqual({ budgetBytes: 20 * MB, usedBytes: 7, waitingShards: 0 });
    }
  });
});

describe('a wait for memory', () => {
  it('is told for each shard, and logged once a minute for all', async () => {
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    const budget = new MemoryBudget(100);
    await budget.open().reserve({ least: 90, most: 90 }, new AbortController().signal);
    const told: object[] = [];
    const watch = new MemoryWatch({ budget, clock, logger, emit: (_, payload) => told.push(payload) });
    watch.waitsLong({ shardId: 'a', waitedMs: 10_000 });
    watch.waitsLong({ shardId: 'b', waitedMs: 10_001 });
    await clock.advance(60_000);
    watch.waitsLong({ shardId: 'c', waitedMs: 10_002 });
    expect(told).toEqual([
      { shardId: 'a', waitedMs: 10_000, usedBytes: 90, budgetBytes: 100 },
      { shardId: 'b', waitedMs: 10_001, usedBytes: 90, budgetBytes: 100 },
      { shardId: 'c', waitedMs: 10_002, usedBytes: 90, budgetBytes: 100 },
    ]);
    expect(logger.lines.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warn: reading waits for memory, the budget is used up',
      'warn: reading waits for memory, the budget is used up',
    ]);
  });
});
