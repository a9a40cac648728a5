import { expect, it } from '@jest/globals';
import { casesOf, rule } from '../src/contract-case';
import { countsLine, differencesPage, nameOfCase, namesUnder } from '../src/differences-page';
import type { CaseResult, Outcome } from '../src/run-cases';

const cases = casesOf('PutRecord', [
  rule('takes a|b and <c>', async () => undefined),
  rule('takes time', async () => undefined, { needs: ['clock'] }),
  rule('takes bytes', async () => undefined),
]);

function results(outcomes: readonly Outcome[]): readonly CaseResult[] {
  return outcomes.map((outcome, index) => ({ case: cases[index]!, outcome, tookMs: 1 }));
}

const found = results([
  { kind: 'failed', finding: 'contract-12ab-3 has 49012345678901234567890' },
  { kind: 'skipped', missing: ['clock'] },
  { kind: 'passed' },
]);
const page = differencesPage(found);

it('has a row for each failed case, without what is different every time', () => {
  expect(page).toContain('| PutRecord | takes a\\|b and &lt;c> | … has … | API reference: PutRecord |');
});

it('has a row for each case that could not be tried, with the reason', () => {
  expect(page).toContain(
    '| PutRecord | takes time | minutes or hours can be let pass at once | API reference: PutRecord |',
  );
});

it('says how many there are', () => {
  expect(page.split('\n')).toContain(countsLine(found));
  expect(countsLine(found)).toMatch(
    /^Of 3 cases, `kinesis-local` \d+\.\d+\.\d+ passes 1, fails 1, and 1 cannot be tried on it\.$/,
  );
});

it('can be read back', () => {
  expect(namesUnder(page, 'Differences')).toEqual([nameOfCase(cases[0]!)]);
  expect(namesUnder(page, 'Rules that only local shows')).toEqual(['PutRecord | takes time']);
});
