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

export interface DifferencesOptions {
  readonly kinesisLocal: readonly CaseResult[];
  readonly local: readonly CaseResult[];
}

/** The page that `docs/kinesis-contract.md` is. */
export function differencesPage({ kinesisLocal, local }: DifferencesOptions): string {
  const localFindings = new Map(local.map((result) => [result.case, findingOf(result)]));
  const failed = kinesisLocal.filter(({ outcome }) => outcome.kind === 'failed');
  const skipped = kinesisLocal.filter(({ outcome }) => outcome.kind === 'skipped');
  const passedCount = kinesisLocal.length - failed.length - skipped.length;
  return [
    '# Where kinesis-local differs from AWS',
    '',
    'The [contract suite](../packages/contract/README.md) is what AWS documents about Kinesis, as cases that speak to an endpoint by the',
    'AWS SDK. They run against the Kinesis of [`@millrace/local`](../packages/local/README.md) and against the independent emulator',
    `\`kinesis-local\` 0.6.2. Of ${kinesisLocal.length} cases, \`kinesis-local\` passes ${passedCount}, fails ${failed.length}, and ${skipped.length} cannot be tried on it.`,
    '',
    'Each row of the first table is a case that it fails. A test fails when a row is missing or no longer true. The tables are written by',
    '`npm run -s contract -- --target kinesis-local --table docs/kinesis-contract.md`.',
    '',
    '## Differences',
    '',
    '| operation | rule of AWS | kinesis-local | local | decided by |',
    '|---|---|---|---|---|',
    ...failed.map((result) =>
      row([
        result.case.operation,
        result.case.rule,
        findingOf(result),
        localFindings.get(result.case) ?? 'not run',
        result.case.page,
      ]),
    ),
    '',
    '## Rules that only local shows',
    '',
    '`kinesis-local` has no clock to advance, and takes about a second for a megabyte.',
    '',
    '| operation | rule of AWS | what it takes | local | decided by |',
    '|---|---|---|---|---|',
    ...skipped.map((result) =>
      row([
        result.case.operation,
        result.case.rule,
        missingOf(result),
        localFindings.get(result.case) ?? 'not run',
        result.case.page,
      ]),
    ),
    '',
    '## Rules that neither shows',
    '',
    ...outOfReach.map((line) => `- ${line}`),
    '',
  ].join('\n');
}

function findingOf({ outcome }: CaseResult): string {
  switch (outcome.kind) {
    case 'passed':
      return 'as the rule says';
    case 'failed':
      return withoutChance(outcome.finding);
    case 'skipped':
      return 'not tried';
  }
}

function missingOf({ outcome }: CaseResult): string {
  return outcome.kind === 'skipped' ? outcome.missing.map((need) => needs[need]).join('; ') : '';
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
