import { describe, expect, it } from '@jest/globals';
import { UsageError } from '../../src/bench';
import { targetsOf } from '../../src/local/emulators';
import { parseSettings } from '../../src/local/settings';

describe('the settings of the bench', () => {
  it('are both emulators at 1, 4 and 16 shards unless told otherwise', () => {
    expect(parseSettings([])).toEqual({
      emulators: ['local', 'kinesis-local'],
      shardCounts: [1, 4, 16],
      runs: 3,
      starts: 5,
      seconds: 1,
      profileDirectory: undefined,
    });
  });

  it('are read from the command line', () => {
    const args = '--emulator local --shards 2,8 --runs 7 --starts 1 --seconds 0.5 --profile there'.split(' ');
    expect(parseSettings(args)).toEqual({
      emulators: ['local'],
      shardCounts: [2, 8],
      runs: 7,
      starts: 1,
      seconds: 0.5,
      profileDirectory: 'there',
    });
  });

  it.each([
    ['--emulator', 'kinesalite', '--emulator must be one of local, kinesis-local'],
    ['--shards', '1,,4', '--shards must be 1 to 999'],
    ['--runs', '0', '--runs must be 1 to 999'],
    ['--starts', '1.5', '--starts must be 1 to 999'],
    ['--seconds', '0', '--seconds must be'],
    ['--seconds', '', '--seconds must be'],
    ['--seconds', '61', '--seconds must be'],
    ['--colour', 'red', 'colour'],
  ])('are refused: %s %s', (option, value, problem) => {
    const parse = (): unknown => parseSettings([`${option}=${value}`]);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(problem);
  });
});

describe('what is measured', () => {
  it('is each emulator with one kind of client, and local with the default one as well, at the end', () => {
    expect(targetsOf(['local', 'kinesis-local'])).toEqual([
      { emulator: 'local', client: 'http1' },
      { emulator: 'kinesis-local', client: 'http1' },
      { emulator: 'local', client: 'default' },
    ]);
    expect(targetsOf(['kinesis-local'])).toEqual([{ emulator: 'kinesis-local', client: 'http1' }]);
  });
});
