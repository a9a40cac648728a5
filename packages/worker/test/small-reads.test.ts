import { afterEach, describe, expect, it } from '@jest/globals';
import { closeAll } from './support/direct-clients';
import { aHandler, requestTo, serve, text } from './support/http-handlers';

afterEach(closeAll);

interface Memory {
  readonly buffer: ArrayBuffer;
}

type InstanceClass = new (...parts: unknown[]) => { readonly exports: { readonly memory: Memory } };

/** Those of the modules of WebAssembly that are loaded from now on. */
function watchMemories(): Memory[] {
  const memories: Memory[] = [];
  const assembly = (globalThis as unknown as { WebAssembly: { Instance: InstanceClass } }).WebAssembly;
  assembly.Instance = class extends assembly.Instance {
    constructor(...parts: unknown[]) {
      super(...parts);
      memories.push(this.exports.memory);
    }
  };
  return memories;
}

describe('the memory of the parser', () => {
  it('does not grow, however long an answer is and however many come at once', async () => {
    const memories = watchMemories();
    const body = '0123456789'.repeat(300_000);
    const { endpoint } = await serve((response) => response.end(body));
    const handler = aHandler();
    const first = await handler.handle(requestTo(endpoint));
    const [memory] = memories;
    const before = memory?.buffer;
    const others = await Promise.all(Array.from({ length: 60 }, () => handler.handle(requestTo(endpoint))));
    for (const { response } of [first, ...others]) expect(text(response.body) === body).toBe(true);
    expect(memories).toHaveLength(1);
    // One that has grown has another one.
    expect(memory?.buffer).toBe(before);
    expect(before?.byteLength).toBe(128 * 1024);
  }, 20_000);
});
