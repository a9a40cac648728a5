import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setMaxListeners } from 'node:events';
import { installLightAbort } from '../src/light-abort';

const nodes = { AbortController: globalThis.AbortController, AbortSignal: globalThis.AbortSignal };

describe.each(['those of Node', 'light ones'])('abort controllers: %s', (which) => {
  beforeAll(() => {
    if (which === 'light ones') installLightAbort();
  });
  afterAll(() => void Object.assign(globalThis, nodes));

  /** What listeners hear, in order. */
  function listenTo(signal: AbortSignal, name: string, heard: string[]): () => void {
    const listener = (): void => void heard.push(`${name} ${String(signal.reason)}`);
    signal.addEventListener('abort', listener, { once: true });
    return listener;
  }

  it('tell each listener once, in the order in which they came', () => {
    const controller = new AbortController();
    const heard: string[] = [];
    const first = listenTo(controller.signal, 'first', heard);
    controller.signal.addEventListener('abort', first, { once: true });
    listenTo(controller.signal, 'second', heard);
    controller.abort('why');
    controller.abort('again');
    expect(heard).toEqual(['first why', 'second why']);
    expect(controller.signal.reason).toBe('why');
  });

  it('do not tell a listener that was removed, be it by another listener', () => {
    const controller = new AbortController();
    const heard: string[] = [];
    const gone = listenTo(controller.signal, 'gone', heard);
    controller.signal.removeEventListener('abort', gone);
    controller.signal.addEventListener('abort', () => controller.signal.removeEventListener('abort', late));
    const late = listenTo(controller.signal, 'late', heard);
    controller.abort('why');
    expect(heard).toEqual([]);
  });

  it('say AbortError when nobody said why, and throw it', () => {
    const controller = new AbortController();
    controller.signal.throwIfAborted();
    controller.abort();
    expect(controller.signal.reason).toMatchObject({ name: 'AbortError' });
    expect(() => controller.signal.throwIfAborted()).toThrow();
  });

  it('make a signal of several that follows the first', () => {
    const [a, b] = [new AbortController(), new AbortController()];
    const any = AbortSignal.any([a.signal, b.signal]);
    const anyOfAny = AbortSignal.any([any]);
    const heard: string[] = [];
    listenTo(anyOfAny, 'any of any', heard);
    listenTo(any, 'any', heard);
    b.abort('b');
    a.abort('a');
    // Which of them is told first is not the same in all versions of Node.js.
    expect(heard.sort()).toEqual(['any b', 'any of any b']);
    expect(AbortSignal.any([any]).reason).toBe('b');
  });

  it('have no say in how many listeners there are', () => {
    expect(() => setMaxListeners(0, new AbortController().signal)).not.toThrow();
  });
});
