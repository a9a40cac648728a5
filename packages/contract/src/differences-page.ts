import { readFileSync } from 'node:fs';
import type { ContractCase } from './contract-case';
import { needs } from './contract-case';
import type { CaseResult } from './run-cases';

/** What AWS documents, and no emulator in this repository can show. */
const outOfReach = [
  '`ListShards` 1000 calls per second and stream (_API reference: ListShards_): one client does not reach that. `local` enforces it.',
  'Quotas that only an account of AWS fills: 20,000 shards, 50 ON_DEMAND streams (_Developer guide: Quotas and limits_).',
  'How an ON_DEMAND stream scales by its traffic (_Developer guide: Choose the data stream capacity mode_).',
  'Encryption: the `KMS…Exception` errors of `PutRecord`, `PutRecords` and `GetRecords`, and `EncryptionType`.',
  'Permissions: `AccessDeniedException` of every operation, resource policies, signatures.',
  'Enhanced fan-out: consumers, `SubscribeToShard`, `ResourceInUseException` of `DeleteStream` while there are consumers.',
  'What AWS may do and need not: pages of `GetRecords` without records although there are some, arrival times out of order, ' +
    'single records of `PutRecords` that fail with `InternalFailure`, `InternalFailureException`, limits that are told late by `DescribeLimits`.',
];

/** The version that is installed, which the cases run against. */
const { version } = JSON.parse(readFileSync(require.resolve('kinesis-local/package.json'), 'utf8')) as {
  readonly version: string;
};

/** The page that `docs/kinesis-contract.md` is. */
export function differencesPage(results: readonly CaseResult[]): string {
  return [
    '# Where kinesis-local differs from AWS',
    '',
    'The [contract suite](../packages/contract/README.md) is what AWS documents about Kinesis, as cases that speak to an endpoint by the',
    'AWS SDK. The Kinesis of [`@millrace/local`](../packages/local/README.md) passes all of them, by a test. This is what becomes of them on',
    'the independent emulator `kinesis-local`.',
    '',
    countsLine(results),
    '',
    'Each row of the first table is a case that it fails. A test fails when a row is missing or no longer true. The page is written by',
    '`npm run -s contract -- --target kinesis-local --table docs/kinesis-contract.md`.',
    '',
    '## Differences',
    '',
    '| operation | rule of AWS | kinesis-local | decided by |',
    '|---|---|---|---|',
    ...results.flatMap(({ case: one, outcome }) =>
      outcome.kind === 'failed' ? row([one.operation, one.rule, withoutChance(outcome.finding), one.page]) : [],
    ),
    '',
    '## Rules that only local shows',
    '',
    '`kinesis-local` has no clock to advance, and takes about a second for a megabyte.',
    '',
    '| operation | rule of AWS | what it takes | decided by |',
    '|---|---|---|---|',
    ...results.flatMap(({ case: one, outcome }) =>
      outcome.kind === 'skipped'
        ? row([one.operation, one.rule, outcome.missing.map((need) => needs[need]).join('; '), one.page])
        : [],
    ),
    '',
    '## Rules that neither shows',
    '',
    ...outOfReach.map((line) => `- ${line}`),
    '',
  ].join('\n');
}

/** How many cases there are, and what becomes of them. */
export function countsLine(results: readonly CaseResult[]): string {
  const count = (kind: CaseResult['outcome']['kind']): number =>
    results.filter(({ outcome }) => outcome.kind === kind).length;
  return (
    `Of ${results.length} cases, \`kinesis-local\` ${version} passes ${count('passed')}, fails ${count('failed')}, ` +
    `and ${count('skipped')} cannot be tried on it.`
  );
}

/** Names and numbers that are others every time would make every renewal a change. */
function withoutChance(finding: string): string {
  return finding.replaceAll(/contract-[0-9a-f-]+/g, '…').replaceAll(/\d{20,}/g, '…');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(escaped).join(' | ')} |`;
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

/** The first two cells of a case's row, by which it is found again. */
export function nameOfCase({ operation, rule }: Pick<ContractCase, 'operation' | 'rule'>): string {
  return [operation, rule].map(escaped).join(' | ');
}

/** {@link nameOfCase} of every row of the table under a heading. */
export function namesUnder(page: string, heading: string): readonly string[] {
  const [, section = ''] = page.split(`## ${heading}\n`);
  const [body = ''] = section.split('\n## ');
  return body
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) => line.split(' | ').slice(0, 2).join(' | ').slice('| '.length));
}
