import { describe, expect, it } from '@jest/globals';
import { scenarioUsage } from '../src/scenario-settings';

describe('the usage of a bench with scenarios', () => {
  it('has their names, a few on a line, with commas between them', () => {
    const namesOf = (...names: string[]): readonly string[] =>
      scenarioUsage(names)
        .slice(1, -3)
        .map((line) => line.trim());
    expect(namesOf('a', 'b', 'c', 'd')).toEqual(['a, b, c, d']);
    expect(namesOf('a', 'b', 'c', 'd', 'e')).toEqual(['a, b, c, d,', 'e']);
  });
});
