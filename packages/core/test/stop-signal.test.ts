import { describe, expect, it } from '@jest/globals';
import { StopSignal } from '../src';

describe('StopSignal', () => {
  it('aborts once, with the first reason', () => {
    const signal = new StopSignal();
    expect(signal.aborted).toBe(false);
    expect(() => signal.throwIfAborted()).not.toThrow();
    const reason = new Error('enough');
    let calls = 0;
    signal.addEventListener('abort', () => calls++);
    signal.abort(reason);
    signal.abort(new Error('again'));
    expect(signal).toMatchObject({ aborted: true, reason });
    expect(() => signal.throwIfAborted()).toThrow(reason);
    expect(calls).toBe(1);
  });

  it('has a reason of the name AbortError when none is given', () => {
    const signal = new StopSignal();
    signal.abort();
    expect(signal.reason.name).toBe('AbortError');
  });

  it('calls its listeners in their order, each once, and none that was removed, also by another one', () => {
    const signal = new StopSignal();
    const calls: string[] = [];
    const c = (): unknown => calls.push('c');
    const a = (): void => {
      calls.push('a');
      signal.removeEventListener('abort', c);
    };
    const b = (): unknown => calls.push('b');
    const d = (): unknown => calls.push('d');
    for (const listener of [a, a, b, c, d, b]) signal.addEventListener('abort', listener);
    signal.removeEventListener('abort', d);
    signal.abort();
    expect(calls).toEqual(['a', 'b']);
  });

  it('tells all others, also behind a signal that follows, when a listener throws', () => {
    const source = new StopSignal();
    const any = StopSignal.any([source]);
    const calls: string[] = [];
    any.addEventListener('abort', () => {
      calls.push('any');
      throw new Error('a listener');
    });
    source.addEventListener('abort', () => calls.push('source'));
    expect(() => source.abort()).toThrow('a listener');
    expect(calls).toEqual(['any', 'source']);
    expect(any.aborted).toBe(true);
  });

  it('forgets a listener that is removed, and takes none any more once it has aborted', () => {
    const signal = new StopSignal();
    let calls = 0;
    const listener = (): unknown => calls++;
    signal.addEventListener('abort', listener);
    signal.removeEventListener('abort', listener);
    signal.abort();
    signal.addEventListener('abort', listener);
    expect(calls).toBe(0);
  });
});

describe('any of several', () => {
  it('aborts with the first of them, of Node.js or our own, and with its reason', () => {
    const ours = new StopSignal();
    const nodes = new AbortController();
    const any = StopSignal.any([ours, nodes.signal]);
    expect(any.aborted).toBe(false);
    nodes.abort(new Error('by Node.js'));
    ours.abort(new Error('too late'));
    expect(any).toMatchObject({ aborted: true, reason: { message: 'by Node.js' } });
  });

  it('has aborted if one of them has', () => {
    const [before, after] = [new StopSignal(), new StopSignal()];
    before.abort(new Error('before'));
    expect(StopSignal.any([after, before])).toMatchObject({ aborted: true, reason: { message: 'before' } });
  });

  it('follows at once: who listens behind it finds it aborted', () => {
    const source = new StopSignal();
    const any = StopSignal.any([source]);
    let seen: boolean | undefined;
    source.addEventListener('abort', () => (seen = any.aborted));
    source.abort();
    expect(seen).toBe(true);
  });

  it('leaves them alone when it has aborted: none keeps it', () => {
    const kept = new Set<unknown>();
    const source = {
      ...{ aborted: false, reason: new Error('never'), throwIfAborted: () => undefined },
      addEventListener: (_: 'abort', listener: unknown) => void kept.add(listener),
      removeEventListener: (_: 'abort', listener: unknown) => void kept.delete(listener),
    };
    const any = StopSignal.any([source, new StopSignal()]);
    expect(kept.size).toBe(1);
    any.abort();
    expect(kept.size).toBe(0);
  });
});
