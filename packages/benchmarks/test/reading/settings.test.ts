import { describe, expect, it } from '@jest/globals';
import { UsageError } from '../../src/bench';
import { scenarioNames } from '../../src/reading/scenario';
import { parseSettings } from '../../src/reading/settings';

describe('the settings of the reading bench', () => {
  it('are all scenarios, as often and as long as is usual, unless told otherwise', () => {
    expect(parseSettings([])).toEqual({
      ...{ scenarios: scenarioNames, runs: undefined, seconds: undefined, profileDirectory: undefined },
    });
  });

  it('are read from the command line; the order of scenarios is always the same', () => {
    const args = '--scenario plain-200,idle-polls --runs 2 --seconds 0.5 --profile there'.split(' ');
    expect(parseSettings(args)).toEqual({
      ...{ scenarios: ['idle-polls', 'plain-200'], runs: 2, seconds: 0.5, profileDirectory: 'there' },
    });
  });

  it('know no scenario of another bench', () => {
    const parse = (): unknown => parseSettings(['--scenario', 'latency']);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow('--scenario must be of idle-polls, ');
  });
});
