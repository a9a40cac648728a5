/** A bug to be planted: one rule or condition that is left out, or turned round. */
export interface Plant {
  /** In kebab-case. */
  readonly name: string;
  /** Which rule is broken, in one sentence. */
  readonly what: string;
  /** The source, from the folder of the packages. */
  readonly file: string;
  /** Stands in it exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** Plants that change the same file. */
export function plantsIn(file: string, plants: readonly Omit<Plant, 'file'>[]): readonly Plant[] {
  return plants.map((plant) => ({ ...plant, file }));
}

/** Several lines of a source. */
export function lines(...texts: readonly string[]): string {
  return texts.join('\n');
}
