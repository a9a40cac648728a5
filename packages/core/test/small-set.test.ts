import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SmallSet } from '../src';

const members = Array.from({ length: 4 }, (_, index) => ({ index }));

describe('SmallSet', () => {
  it('is a set, whatever is done to it', () => {
    const step = fc.record({ isAdded: fc.boolean(), member: fc.constantFrom(...members) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const small = new SmallSet<object>();
        const set = new Set<object>();
        for (const { isAdded, member } of steps) {
          if (isAdded) {
            small.add(member);
            set.add(member);
          } else expect(small.delete(member)).toBe(set.delete(member));
          expect([...small]).toEqual([...set]);
          expect(small.size).toBe(set.size);
          for (const each of members) expect(small.has(each)).toBe(set.has(each));
        }
      }),
    );
  });
});
