import { settle } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { CallLimit } from '../src/call-limit';

describe('CallLimit', () => {
  it('runs so many at once, the others in order, also after a failure', async () => {
    const limit = new CallLimit(2);
    const started: number[] = [];
    const finish: ((error?: Error) => void)[] = [];
    const tasks = [0, 1, 2, 3].map((index) =>
      limit
        .run(() => {
          started.push(index);
          return new Promise<void>((resolve, reject) =>
            finish.push((error) => (error === undefined ? resolve() : reject(error))),
          );
        })
        .catch(() => undefined),
    );
    await settle();
    expect(started).toEqual([0, 1]);
    finish[0]?.(new Error('failed'));
    await settle();
    expect(started).toEqual([0, 1, 2]);
    finish[1]?.();
    finish[2]?.();
    await settle();
    finish[3]?.();
    await Promise.all(tasks);
    expect(started).toEqual([0, 1, 2, 3]);
  });
});
