import { describe, expect, it } from '@jest/globals';
import { parseCommandLine } from '../src/command-line';

const parse = (...args: readonly string[]) => parseCommandLine(args, () => 4711);

describe('the command line of stop-points', () => {
  it('has defaults, and a seed of its own', () => {
    expect(parse()).toEqual({ points: 200, seed: 4711, lanes: 4 });
    expect(parse('--points', '12', '--seed', '0', '--at-once', '2')).toEqual({ points: 12, seed: 0, lanes: 2 });
  });

  it('says all that is wrong at once', () => {
    expect(() => parse('--points', '0', '--seed', 'x', '--at-once', '17')).toThrow(
      [
        '--points (0) must be a whole number from 1 to 10000',
        '--seed (x) must be a whole number from 0 to 4294967295',
        '--at-once (17) must be a whole number from 1 to 16',
      ].join('\n'),
    );
    expect(() => parse('--fast')).toThrow('--fast');
  });
});
