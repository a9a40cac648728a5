import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OldestFirst } from '../src/oldest-first';

describe('OldestFirst', () => {
  it('gives back the least of what is in it, whatever was put in and taken out before', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer()), { maxLength: 200 }), (steps) => {
        const heap = new OldestFirst<number>((age) => age);
        const model: number[] = [];
        for (const step of steps) {
          if (step === null) {
            expect(heap.first).toBe(model[0]);
            expect(heap.pop()).toBe(model.shift());
          } else {
            heap.push(step);
            model.push(step);
            model.sort((a, b) => a - b);
          }
        }
        for (const expected of model) expect(heap.pop()).toBe(expected);
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});
