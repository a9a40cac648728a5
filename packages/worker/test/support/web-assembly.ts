interface Memory {
  readonly buffer: ArrayBuffer;
}

type InstanceClass = new (...parts: unknown[]) => { readonly exports: { readonly memory: Memory } };

/** Those of the modules of WebAssembly that are loaded from now on. */
export function watchMemories(): Memory[] {
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
