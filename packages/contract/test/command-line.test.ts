import { describe, expect, it } from '@jest/globals';
import { parseCommandLine } from '../src/command-line';

const common = { only: /(?:)/, json: false };

describe('the command line', () => {
  it('names a target', () => {
    expect(parseCommandLine(['--target', 'local'])).toEqual({ ...common, target: { kind: 'local' } });
    expect(parseCommandLine(['--target', 'kinesis-local', '--json', '--only', 'Put.*:'])).toEqual({
      target: { kind: 'kinesis-local', tableFile: undefined },
      only: /Put.*:/,
      json: true,
    });
  });

  it('names an endpoint, and what may be taken for granted there', () => {
    expect(
      parseCommandLine(['--endpoint', 'https://kinesis.eu-west-1.amazonaws.com', '--region', 'eu-west-1', '--costly']),
    ).toEqual({
      ...common,
      target: {
        kind: 'endpoint',
        endpoint: 'https://kinesis.eu-west-1.amazonaws.com',
        region: 'eu-west-1',
        offers: ['costly'],
      },
    });
  });

  it.each([
    [[], 'give either'],
    [['--target', 'local', '--endpoint', 'http://127.0.0.1'], 'give either'],
    [['--target', 'aws'], 'must be local or kinesis-local'],
    [['--endpoint', 'flights'], 'must be a URL'],
    [['--target', 'local', '--only', '('], 'Invalid regular expression'],
    [['--target', 'local', '--table', 'page.md'], '--table goes with'],
    [['--target', 'kinesis-local', '--only', 'Put', '--table', 'page.md'], '--table goes with'],
    [['--target', 'local', '--fast'], '--fast'],
  ])('%j is a problem: %s', (args, problem) => {
    expect(parseCommandLine(args)).toEqual({ problem: expect.stringContaining(problem) });
  });
});
