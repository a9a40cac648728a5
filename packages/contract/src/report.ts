import { needs } from './contract-case';
import type { CaseResult } from './run-cases';

const marks = { passed: 'ok', failed: 'FAILED', skipped: 'skipped' } as const;

/** One line, for when the case is done. */
export function progressLine({ case: one, outcome, tookMs }: CaseResult, done: number, total: number): string {
  return `[${done}/${total}] ${marks[outcome.kind]} ${one.operation}: ${one.rule} (${Math.round(tookMs)} ms)`;
}

/** All results as a table, and what they come to. */
export function resultTable(results: readonly CaseResult[], targetName: string): string {
  const width = Math.max(0, ...results.map(({ case: one }) => one.operation.length));
  const lines = results.map(
    ({ case: one, outcome }) =>
      `${one.operation.padEnd(width)}  ${marks[outcome.kind].padEnd(7)}  ${one.rule}` +
      (outcome.kind === 'failed' ? `\n${' '.repeat(width + 11)}${outcome.finding}  [${one.page}]` : ''),
  );
  return [...lines, '', ...summary(results, targetName)].join('\n');
}

function summary(results: readonly CaseResult[], targetName: string): readonly string[] {
  const count = (kind: keyof typeof marks): number => results.filter(({ outcome }) => outcome.kind === kind).length;
  const missing = new Map<string, number>();
  for (const { outcome } of results) {
    if (outcome.kind !== 'skipped') continue;
    for (const need of outcome.missing) missing.set(needs[need], (missing.get(needs[need]) ?? 0) + 1);
  }
  return [
    `${targetName}: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} SKIPPED of ${results.length}`,
    ...[...missing].map(([need, cases]) => `  SKIPPED ${cases}: the target does not offer that ${need}`),
  ];
}

/** All results for a program. */
export function resultsAsJson(results: readonly CaseResult[]): string {
  return JSON.stringify(
    results.map(({ case: { operation, rule, page }, outcome, tookMs }) => ({
      operation,
      rule,
      page,
      ...outcome,
      tookMs: Math.round(tookMs),
    })),
    undefined,
    2,
  );
}
