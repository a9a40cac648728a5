import { describe, expect, it } from '@jest/globals';
import { UsageError } from '../../src/bench';
import { scenarioNames } from '../../src/coordination/scenario';
import { parseSettings } from '../../src/coordination/settings';

describe('the settings of the coordination bench', () => {
  it('are all scenarios, as often as is usual, unless told otherwise', () => {
    expect(parseSettings([])).toEqual({ scenarios: scenarioNames, runs: undefined });
  });

  it('are read from the command line; the order of scenarios is always the same', () => {
    expect(parseSettings(['--scenario', 'sigkill,join', '--runs', '2'])).toEqual({
      scenarios: ['join', 'sigkill'],
      runs: 2,
    });
  });

  it.each([
    [
      '--scenario',
      'join,deploy',
      "--scenario must be of cold-start, start-together, join, scale-out, sigterm, sigkill, rolling-restart, not 'deploy'",
    ],
    ['--scenario', '', '--scenario must be of'],
    ['--runs', '0', '--runs must be 1 to 99'],
    ['--runs', '1.5', '--runs must be 1 to 99'],
    ['--runs', '100', '--runs must be 1 to 99'],
    ['--shards', '10', 'shards'],
  ])('are refused: %s %s', (option, value, problem) => {
    const parse = (): unknown => parseSettings([`${option}=${value}`]);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(problem);
  });
});
