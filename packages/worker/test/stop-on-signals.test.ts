import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { stopOnSignals, type StopOptions } from '../src';

function aStoppable() {
  const calls: (StopOptions | undefined)[] = [];
  return {
    calls,
    stop: async (options?: StopOptions) => {
      calls.push(options);
      return { unfinishedShardIds: [], unfinished: [] };
    },
  };
}

describe('stopOnSignals', () => {
  it('stops with the given time at the first signal, and at once at the second', () => {
    const worker = aStoppable();
    const source = new EventEmitter();
    stopOnSignals(worker, { timeoutMs: 5_000 }, source);
    source.emit('SIGTERM');
    source.emit('SIGINT');
    expect(worker.calls).toEqual([{ timeoutMs: 5_000 }, { timeoutMs: 0 }]);
  });

  it('takes its listeners off again', () => {
    const worker = aStoppable();
    const source = new EventEmitter();
    stopOnSignals(worker, {}, source)();
    source.emit('SIGTERM');
    expect(worker.calls).toEqual([]);
    expect(source.listenerCount('SIGINT')).toBe(0);
  });
});
