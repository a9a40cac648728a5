/** Source of chance, for jitter and tie breaking. Tests pass a seeded one. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

export const systemRandom: Random = { next: () => Math.random() };
