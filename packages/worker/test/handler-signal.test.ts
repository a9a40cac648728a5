import { getMaxListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { HandlerSignal } from '../src/handler-signal';

describe('the signal for users', () => {
  it('is one of Node.js, the same each time, which aborts with it', async () => {
    const signal = new HandlerSignal();
    const { forUsers } = signal;
    expect(forUsers).toBeInstanceOf(AbortSignal);
    expect(signal.forUsers).toBe(forUsers);
    const reason = new Error('lost');
    signal.abort(reason);
    expect(forUsers).toMatchObject({ aborted: true, reason });
  });

  it('takes any number of listeners without a warning of Node.js', () => {
    expect(getMaxListeners(new HandlerSignal().forUsers)).toBe(Infinity);
  });

  it('has aborted if it is asked for after that', () => {
    const signal = new HandlerSignal();
    const reason = new Error('lost');
    signal.abort(reason);
    expect(signal.forUsers).toMatchObject({ aborted: true, reason });
  });
});
