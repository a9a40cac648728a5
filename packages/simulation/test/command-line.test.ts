import { describe, expect, it } from '@jest/globals';
import { parseCommandLine } from '../src/command-line';

describe('the command line', () => {
  it('runs a hundred seeds from the first unless told otherwise', () => {
    expect(parseCommandLine([])).toEqual({
      ...{ firstSeed: 1, seeds: 100, workers: undefined, shards: undefined, json: false, trace: false },
    });
  });

  it('takes seeds, workers and shards', () => {
    const args = '--seeds 7 --seed 40 --workers 5 --shards 8 --json --trace'.split(' ');
    expect(parseCommandLine(args)).toEqual({
      ...{ firstSeed: 40, seeds: 7, workers: 5, shards: 8, json: true, trace: true },
    });
  });

  it('refuses numbers out of range, all at once, and what it does not know', () => {
    expect(() => parseCommandLine(['--seeds', '0', '--workers', '2', '--shards', 'x'])).toThrow(
      /--seeds \(0\)[^]*--workers \(2\)[^]*--shards \(x\)/,
    );
    expect(() => parseCommandLine(['--speed', '3'])).toThrow(/--speed/);
  });
});
