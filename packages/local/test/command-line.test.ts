import { describe, expect, it } from '@jest/globals';
import { defaultKinesisLimits } from '../src';
import { parseCommandLine, usage } from '../src/command-line';

describe('the command line', () => {
  it('has fixed ports, a fixed seed and the limits of AWS by default', () => {
    expect(parseCommandLine([])).toEqual({
      kind: 'serve',
      options: { kinesisPort: 4567, dynamodbPort: 4568, streams: [], seed: 1, limits: {} },
    });
  });

  it('takes ports, a seed and any number of streams', () => {
    const args = ['--kinesis-port', '0', '--dynamodb-port=8000', '--stream', 'flights:4', '--stream', 'a.b-c_d:1'];
    expect(parseCommandLine([...args, '--seed', '42'])).toMatchObject({
      kind: 'serve',
      options: {
        kinesisPort: 0,
        dynamodbPort: 8000,
        streams: [
          { name: 'flights', shardCount: 4 },
          { name: 'a.b-c_d', shardCount: 1 },
        ],
        seed: 42,
      },
    });
  });

  it('switches every rate off, and nothing that is no rate', () => {
    const command = parseCommandLine(['--no-limits']);
    const limits = command.kind === 'serve' ? command.options.limits : {};
    expect(limits).toMatchObject({ getRecordsCallsPerSecond: Infinity, shardCountUpdatesPerDay: Infinity });
    const rates = Object.keys(defaultKinesisLimits).filter((name) => /Per(Second|Day)$/.test(name));
    expect(Object.keys(limits ?? {}).sort()).toEqual(rates.sort());
  });

  it('explains every option', () => {
    expect(parseCommandLine(['--help', '--stream', 'nonsense'])).toEqual({ kind: 'help' });
    for (const option of ['stream', 'kinesis-port', 'dynamodb-port', 'no-limits', 'seed', 'help']) {
      expect(usage).toContain(`--${option} `);
    }
  });

  it.each([
    [['--kinesis-port', 'x'], "--kinesis-port must be 0 to 65535, not 'x'"],
    [['--dynamodb-port', '65536'], "--dynamodb-port must be 0 to 65535, not '65536'"],
    [['--seed', '-1'], 'argument is ambiguous'],
    [['--stream', 'flights'], "--stream must be name:shards, such as flights:4, not 'flights'"],
    [['--stream', 'flights:0'], "--stream must be name:shards, such as flights:4, not 'flights:0'"],
    [['--unheard-of'], "Unknown option '--unheard-of'"],
    [['flights'], "Unexpected argument 'flights'. This command does not take positional arguments"],
  ])('says what is wrong with %j', (args, problem) => {
    expect(parseCommandLine(args)).toEqual({ kind: 'problem', problem: expect.stringContaining(problem) as unknown });
  });
});
