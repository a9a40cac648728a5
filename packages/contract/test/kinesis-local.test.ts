import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { systemClock } from '@millrace/core';
import { allCases } from '../src/all-cases';
import { countsLine, nameOfCase, namesUnder } from '../src/differences-page';
import { runCases } from '../src/run-cases';
import { kinesisLocalTarget } from '../src/targets/kinesis-local-target';

const page = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'kinesis-contract.md'), 'utf8');

it('kinesis-local fails the cases that docs/kinesis-contract.md lists, and no others', async () => {
  const target = await kinesisLocalTarget();
  const results = await runCases(allCases, target, systemClock).finally(() => target.close());
  const named = (kind: 'failed' | 'skipped'): readonly string[] =>
    results.filter(({ outcome }) => outcome.kind === kind).map((result) => nameOfCase(result.case));
  expect(named('failed')).toEqual(namesUnder(page, 'Differences'));
  expect(page.split('\n')).toContain(countsLine(results));
  expect(named('skipped')).toEqual(namesUnder(page, 'Rules that only local shows'));
}, 600_000);
