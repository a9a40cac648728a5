import { describe, expect, it } from '@jest/globals';
import { AnswerMemory } from '../src/answer';

const MB = 1024 * 1024;

describe('AnswerMemory', () => {
  it('gives what was given back for the next answer that it is long enough for', () => {
    const memory = new AnswerMemory();
    const first = memory.take(MB);
    expect(first?.length).toBeGreaterThanOrEqual(MB);
    expect(memory.take(MB)).not.toBe(first);
    memory.giveBack(first!);
    expect(memory.take(2 * MB)).not.toBe(first);
    expect(memory.take(MB)).toBe(first);
    expect(memory.take(MB)).not.toBe(first);
  });

  it('keeps a few, the last ones', () => {
    const memory = new AnswerMemory();
    const all = Array.from({ length: 6 }, () => memory.take(MB)!);
    for (const one of all) memory.giveBack(one);
    const again = Array.from({ length: 6 }, () => memory.take(MB)!);
    expect(all.filter((one) => again.includes(one))).toEqual(all.slice(2));
  });

  it.each([64 * 1024 - 1, 6 * MB + 1, Number.NaN, Infinity])('has none for an answer of %d bytes', (bytes) => {
    expect(new AnswerMemory().take(bytes)).toBeUndefined();
  });
});
