import { describe, expect, it } from '@jest/globals';
import { RecordingLogger, settle } from '@millrace/core/testing';
import { WorkerEmitter } from '../src/worker-emitter';

describe('WorkerEmitter', () => {
  it('survives listeners that throw or reject, calls the others, and logs each failure', async () => {
    const logger = new RecordingLogger();
    const emitter = new WorkerEmitter(logger);
    const seen: string[] = [];
    emitter.on('shardEnded', () => {
      throw new Error('no');
    });
    // What the types cannot keep out: a listener that is an async function.
    const late: unknown = () => settle().then(() => Promise.reject(new Error('later')));
    emitter.on('shardEnded', late as () => void);
    emitter.on('shardEnded', ({ shardId }) => seen.push(shardId));
    emitter.emit('shardEnded', { shardId: 'shard-1' });
    expect(seen).toEqual(['shard-1']);
    await settle();
    await settle();
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ['error', 'event listener failed'],
      ['error', 'event listener failed'],
    ]);
  });

  it('takes a listener off again', () => {
    const emitter = new WorkerEmitter(new RecordingLogger());
    const seen: string[] = [];
    const listener = ({ shardId }: { shardId: string }): void => void seen.push(shardId);
    emitter.on('shardEnded', listener);
    emitter.off('shardEnded', listener);
    emitter.emit('shardEnded', { shardId: 'shard-1' });
    expect(seen).toEqual([]);
  });
});
