import { describe, expect, it } from '@jest/globals';
import { nativeSignal, StopSignal } from '../src';

describe('nativeSignal', () => {
  it('aborts when the other one does, with its reason', () => {
    const stop = new StopSignal();
    const signal = nativeSignal(stop);
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(signal.aborted).toBe(false);
    const reason = new Error('stopped');
    stop.abort(reason);
    expect(signal.reason).toBe(reason);
  });

  it('has aborted when the other one has', () => {
    const stop = new StopSignal();
    stop.abort(new Error('stopped'));
    expect(nativeSignal(stop).reason).toBe(stop.reason);
  });

  it('is the same one if that is native', () => {
    const { signal } = new AbortController();
    expect(nativeSignal(signal)).toBe(signal);
  });
});
