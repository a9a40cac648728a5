import { parseArgs } from 'node:util';
import type { LocalStream } from './local-aws';

export const usage = `usage: millrace-local [--kinesis-port 4567] [--dynamodb-port 4568] [--stream name:shards]...

Serves an embedded Kinesis and DynamoDB on 127.0.0.1 until it is stopped, and prints what to export.
A port of 0 picks a free one.`;

export interface LocalCommand {
  readonly kinesisPort: number;
  readonly dynamodbPort: number;
  readonly streams: readonly LocalStream[];
}

/** What the command line asks for, or what is wrong with it. */
export function parseCommandLine(args: readonly string[]): LocalCommand | { readonly problem: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'kinesis-port': { type: 'string', default: '4567' },
        'dynamodb-port': { type: 'string', default: '4568' },
        stream: { type: 'string', multiple: true, default: [] },
      },
    });
    return {
      kinesisPort: parsePort('--kinesis-port', values['kinesis-port']),
      dynamodbPort: parsePort('--dynamodb-port', values['dynamodb-port']),
      streams: values.stream.map(parseStream),
    };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

function parsePort(option: string, text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new Error(`${option} must be 0 to 65535, not '${text}'`);
  return Number(text);
}

function parseStream(text: string): LocalStream {
  const [, name, shardCount] = /^([a-zA-Z0-9_.-]{1,128}):([1-9]\d{0,4})$/.exec(text) ?? [];
  if (name === undefined) throw new Error(`--stream must be name:shards, such as flights:4, not '${text}'`);
  return { name, shardCount: Number(shardCount) };
}
