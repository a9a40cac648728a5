import { totalmem } from 'node:os';
import { constrainedMemory } from 'node:process';
import { rejectUnknownOptions } from '@millrace/core';
import { MemoryBudget } from '@millrace/record-fetcher';

/** How much memory the records of a worker may take, all shards together. */
export interface MemoryOptions {
  /** In bytes, a whole number of 16,000,000 or more. */
  readonly budgetBytes?: number;
}

/** Less would let shards wait for each other even if little is read. */
const minBudgetBytes = 16_000_000;
const maxDefaultBytes = 256_000_000;

/** What this process may use of the machine's memory; a container's limit, if there is one. */
export function memoryLimitBytes(constrained = constrainedMemory(), total = totalmem()): number {
  // Without a limit it is 0, or more than there is.
  return constrained <= 0 ? total : Math.min(constrained, total);
}

/** The smaller of 256 MB and a quarter of the limit, and 16 MB at least. */
export function defaultBudgetBytes(limitBytes: number): number {
  return Math.max(minBudgetBytes, Math.min(maxDefaultBytes, Math.floor(limitBytes / 4)));
}

/** `undefined`: a budget of the default size. Adds every problem to `problems`. */
export function resolveMemory(
  memory: MemoryOptions | MemoryBudget | undefined,
  problems: string[],
): MemoryBudget | undefined {
  if (memory === undefined) return undefined;
  // From code without types.
  if (typeof memory !== 'object' || (memory as unknown) === null) {
    problems.push('memory must be { budgetBytes } or a MemoryBudget');
    return undefined;
  }
  // Two copies of a package break `instanceof`.
  if ('open' in memory) return memory;
  rejectUnknownOptions(memory, { prefix: 'memory.', known: ['budgetBytes'], problems });
  const { budgetBytes } = memory;
  if (budgetBytes === undefined) return undefined;
  if (Number.isInteger(budgetBytes) && budgetBytes >= minBudgetBytes) return new MemoryBudget(budgetBytes);
  problems.push(`memory.budgetBytes (${String(budgetBytes)}) must be a whole number of 16000000 or more`);
  return undefined;
}
