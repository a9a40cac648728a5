import { describe, expect, it } from '@jest/globals';
import { asksForHelp, parseCommandLine, usage } from '../src/command-line';

describe('the command line', () => {
  it('runs a hundred seeds from the first unless told otherwise', () => {
    expect(parseCommandLine([])).toEqual({
      ...{
        firstSeed: 1,
        seeds: 100,
        workers: undefined,
        shards: undefined,
        steadyHours: undefined,
        json: false,
        trace: false,
      },
    });
  });

  it('explains itself', () => {
    expect(asksForHelp(['--seeds', '7', '--help'])).toBe(true);
    expect(asksForHelp(['--seeds', '7'])).toBe(false);
    expect(usage).toContain('--help');
  });

  it('takes seeds, workers and shards', () => {
    const args = '--seeds 7 --seed 40 --workers 5 --shards 8 --json --trace'.split(' ');
    expect(parseCommandLine(args)).toEqual({
      ...{ firstSeed: 40, seeds: 7, workers: 5, shards: 8, steadyHours: undefined, json: true, trace: true },
    });
  });

  it('takes the hours of a fleet at rest', () => {
    expect(parseCommandLine(['--steady-hours', '24', '--workers', '4', '--shards', '40'])).toMatchObject({
      ...{ steadyHours: 24, workers: 4, shards: 40 },
    });
    expect(() => parseCommandLine(['--steady-hours', '0'])).toThrow(/--steady-hours \(0\)/);
  });

  it('takes the name of a bug to be planted, and looks for it in more seeds', () => {
    expect(parseCommandLine(['--plant', 'no-parent-wait'])).toMatchObject({ plant: 'no-parent-wait', seeds: 2_000 });
    expect(parseCommandLine(['--plant', 'all', '--seeds', '50'])).toMatchObject({ plant: 'all', seeds: 50 });
    expect(() => parseCommandLine(['--plant', 'weeds'])).toThrow(/--plant \(weeds\) must be all or one of take-any/);
  });

  it('refuses numbers out of range, all at once, and what it does not know', () => {
    expect(() => parseCommandLine(['--seeds', '0', '--workers', '2', '--shards', 'x'])).toThrow(
      /--seeds \(0\)[^]*--workers \(2\)[^]*--shards \(x\)/,
    );
    expect(() => parseCommandLine(['--speed', '3'])).toThrow(/--speed/);
  });
});
