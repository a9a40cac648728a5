import { parseArgs } from 'node:util';
import type { LocalAwsOptions, LocalStream } from './local-aws';
import { unlimitedRates } from './kinesis/unlimited-rates';

export const usage = `usage: millrace-local [options]

Serves an embedded Kinesis and DynamoDB on 127.0.0.1 until it is stopped, and prints what to export.

  --stream name:shards   a stream that is there from the beginning; may be given more than once
  --kinesis-port 4567    0 picks a free one
  --dynamodb-port 4568   0 picks a free one
  --no-limits            refuses nothing for its rate
  --seed 1               where the chance in faults comes from
  --help                 prints this

Faults, time and trimming on demand: see "From other processes" in the README of @millrace/local.`;

export type LocalCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'serve'; readonly options: LocalAwsOptions }
  | { readonly kind: 'problem'; readonly problem: string };

/** What the command line asks for, or what is wrong with it. */
export function parseCommandLine(args: readonly string[]): LocalCommand {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'kinesis-port': { type: 'string', default: '4567' },
        'dynamodb-port': { type: 'string', default: '4568' },
        stream: { type: 'string', multiple: true, default: [] },
        'no-limits': { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return { kind: 'help' };
    const options: LocalAwsOptions = {
      kinesisPort: parseInteger('--kinesis-port', values['kinesis-port'], 65_535),
      dynamodbPort: parseInteger('--dynamodb-port', values['dynamodb-port'], 65_535),
      streams: values.stream.map(parseStream),
      seed: parseInteger('--seed', values.seed, 2 ** 32 - 1),
      limits: values['no-limits'] ? unlimitedRates : {},
    };
    return { kind: 'serve', options };
  } catch (error) {
    return { kind: 'problem', problem: error instanceof Error ? error.message : String(error) };
  }
}

function parseInteger(option: string, text: string, max: number): number {
  if (!/^\d{1,10}$/.test(text) || Number(text) > max) throw new Error(`${option} must be 0 to ${max}, not '${text}'`);
  return Number(text);
}

function parseStream(text: string): LocalStream {
  const [, name, shardCount] = /^([a-zA-Z0-9_.-]{1,128}):([1-9]\d{0,4})$/.exec(text) ?? [];
  if (name === undefined) throw new Error(`--stream must be name:shards, such as flights:4, not '${text}'`);
  return { name, shardCount: Number(shardCount) };
}
