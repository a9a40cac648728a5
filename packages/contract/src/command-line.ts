import { parseArgs } from 'node:util';
import type { Need } from './contract-case';

export const usage = `usage: contract --target local | kinesis-local | --endpoint URL [--region us-east-1]
                [--costly] [--own-account] [--only PATTERN] [--json] [--table FILE]

Runs the cases and prints a table of the results. Exit code 1 if one of them fails.

  --endpoint URL   any Kinesis, with the credentials that the SDK finds. It makes and deletes streams there!
  --costly         there, also cases that make a hundred shards or streams, or take many minutes
  --own-account    there, also cases that presume that nobody else makes or deletes streams
  --only PATTERN   only cases of which "Operation: rule" matches this regular expression
  --json           the results as JSON, nothing else
  --table FILE     with --target kinesis-local: writes the page of its differences to FILE; exit code 0`;

export interface Command {
  readonly target:
    | {
        readonly kind: 'endpoint';
        readonly endpoint: string;
        readonly region: string;
        readonly offers: readonly Need[];
      }
    | { readonly kind: 'kinesis-local'; readonly tableFile?: string | undefined }
    | { readonly kind: 'local' };
  readonly only: RegExp;
  readonly json: boolean;
}

/** What the command line asks for, or what is wrong with it. */
export function parseCommandLine(args: readonly string[]): Command | { readonly problem: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        target: { type: 'string' },
        endpoint: { type: 'string' },
        region: { type: 'string', default: 'us-east-1' },
        costly: { type: 'boolean', default: false },
        'own-account': { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
        table: { type: 'string' },
      },
    });
    if (values.table !== undefined && (values.target !== 'kinesis-local' || values.only !== '')) {
      throw new Error('--table goes with --target kinesis-local, and with all cases');
    }
    return { target: targetOf(values), only: new RegExp(values.only), json: values.json };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

interface TargetValues {
  readonly target?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly region: string;
  readonly costly: boolean;
  readonly 'own-account': boolean;
  readonly table?: string | undefined;
}

function targetOf(values: TargetValues): Command['target'] {
  const { target, endpoint } = values;
  if ((target === undefined) === (endpoint === undefined)) throw new Error('give either --target or --endpoint');
  if (endpoint !== undefined) {
    if (!URL.canParse(endpoint)) throw new Error(`--endpoint must be a URL, not '${endpoint}'`);
    const offers: readonly Need[] = [
      ...(values.costly ? (['costly'] as const) : []),
      ...(values['own-account'] ? (['own-account'] as const) : []),
    ];
    return { kind: 'endpoint', endpoint, region: values.region, offers };
  }
  if (target === 'local') return { kind: 'local' };
  if (target === 'kinesis-local') return { kind: 'kinesis-local', tableFile: values.table };
  throw new Error(`--target must be local or kinesis-local, not '${String(target)}'`);
}
