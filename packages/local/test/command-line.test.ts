import { describe, expect, it } from '@jest/globals';
import { parseCommandLine } from '../src/command-line';

describe('the command line', () => {
  it('has fixed ports by default', () => {
    expect(parseCommandLine([])).toEqual({ kinesisPort: 4567, dynamodbPort: 4568, streams: [] });
  });

  it('takes ports and any number of streams', () => {
    const args = ['--kinesis-port', '0', '--dynamodb-port=8000', '--stream', 'flights:4', '--stream', 'a.b-c_d:1'];
    expect(parseCommandLine(args)).toEqual({
      kinesisPort: 0,
      dynamodbPort: 8000,
      streams: [
        { name: 'flights', shardCount: 4 },
        { name: 'a.b-c_d', shardCount: 1 },
      ],
    });
  });

  it.each([
    [['--kinesis-port', 'x'], "--kinesis-port must be 0 to 65535, not 'x'"],
    [['--dynamodb-port', '65536'], "--dynamodb-port must be 0 to 65535, not '65536'"],
    [['--stream', 'flights'], "--stream must be name:shards, such as flights:4, not 'flights'"],
    [['--stream', 'flights:0'], "--stream must be name:shards, such as flights:4, not 'flights:0'"],
    [['--unheard-of'], "Unknown option '--unheard-of'"],
    [['flights'], "Unexpected argument 'flights'. This command does not take positional arguments"],
  ])('says what is wrong with %j', (args, problem) => {
    expect(parseCommandLine(args)).toEqual({ problem: expect.stringContaining(problem) as unknown });
  });
});
