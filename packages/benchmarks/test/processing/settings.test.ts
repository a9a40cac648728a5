import { describe, expect, it } from '@jest/globals';
import { UsageError } from '../../src/bench';
import { scenarioNames } from '../../src/processing/scenario';
import { parseSettings } from '../../src/processing/settings';

describe('the settings of the processing bench', () => {
  it('are all scenarios, as often and as long as is usual, unless told otherwise', () => {
    expect(parseSettings([])).toEqual({
      scenarios: scenarioNames,
      runs: undefined,
      seconds: undefined,
      profileDirectory: undefined,
    });
  });

  it('are read from the command line; the order of scenarios is always the same', () => {
    const args = '--scenario latency,plain-1k --runs 2 --seconds 0.5 --profile there'.split(' ');
    expect(parseSettings(args)).toEqual({
      scenarios: ['plain-1k', 'latency'],
      runs: 2,
      seconds: 0.5,
      profileDirectory: 'there',
    });
  });

  it.each([
    ['--scenario', 'plain-2k', '--scenario must be of plain-200, '],
    ['--runs', '0', '--runs must be 1 to 99'],
    ['--seconds', '0', '--seconds must be above 0'],
    ['--seconds', '', '--seconds must be above 0'],
    ['--seconds', '301', '--seconds must be above 0, and 300 at most'],
    ['--seconds', 'ten', '--seconds must be above 0'],
    ['--shards', '10', 'shards'],
  ])('are refused: %s %s', (option, value, problem) => {
    const parse = (): unknown => parseSettings([`${option}=${value}`]);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(problem);
  });
});
