import type { Clock } from '@millrace/core';
import { CaseContext } from './case-context';
import type { ContractCase, Need } from './contract-case';
import { Violation } from './expectations';
import type { Target } from './target';

export type Outcome =
  | { readonly kind: 'failed'; readonly finding: string }
  | { readonly kind: 'passed' }
  | { readonly kind: 'skipped'; readonly missing: readonly Need[] };

export interface CaseResult {
  readonly case: ContractCase;
  readonly outcome: Outcome;
  readonly tookMs: number;
}

/** Runs the cases, as many at a time as the target allows. The results are in the order of the cases. */
export async function runCases(
  cases: readonly ContractCase[],
  target: Target,
  clock: Clock,
  onResult: (result: CaseResult) => void = () => undefined,
): Promise<readonly CaseResult[]> {
  const results = new Map<ContractCase, CaseResult>();
  const isAlone = (one: ContractCase): boolean => one.needs.some((need) => target.alone.has(need));
  const runAll = async (some: readonly ContractCase[], concurrency: number): Promise<void> => {
    const waiting = some.values();
    const work = async (): Promise<void> => {
      for (const one of waiting) {
        const startedAtMs = clock.now();
        const outcome = await runCase(one, target, clock);
        const result = { case: one, outcome, tookMs: clock.now() - startedAtMs };
        results.set(one, result);
        onResult(result);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  };
  await runAll(
    cases.filter((one) => !isAlone(one)),
    target.concurrency,
  );
  await runAll(cases.filter(isAlone), 1);
  return cases.flatMap((one) => results.get(one) ?? []);
}

/** Runs one case in a session of its own. Rejects only if the target itself is broken. */
export async function runCase(one: ContractCase, target: Target, clock: Clock): Promise<Outcome> {
  const missing = one.needs.filter((need) => !target.offers.has(need));
  if (missing.length > 0) return { kind: 'skipped', missing };
  const end = new AbortController();
  const context = new CaseContext(await target.open(one.needs), end.signal);
  const attempted = attempt(one, context);
  try {
    return await Promise.race([attempted, timeOut(target.caseTimeMs, clock, end.signal)]);
  } finally {
    end.abort(new Error('the case has ended'));
    // What it makes until it notices has to be deleted too.
    await attempted;
    await context.close();
  }
}

async function attempt(one: ContractCase, context: CaseContext): Promise<Outcome> {
  try {
    await one.run(context);
    return { kind: 'passed' };
  } catch (error) {
    return { kind: 'failed', finding: findingOf(error) };
  }
}

async function timeOut(caseTimeMs: number, clock: Clock, signal: AbortSignal): Promise<Outcome> {
  // Rejects only when the case is done, and nobody waits any longer.
  await clock.sleep(caseTimeMs, signal).catch(() => undefined);
  return { kind: 'failed', finding: `not done after ${caseTimeMs / 1000} s` };
}

function findingOf(error: unknown): string {
  if (error instanceof Violation) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
