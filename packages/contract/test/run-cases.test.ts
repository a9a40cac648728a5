import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '@millrace/core/testing';
import { Kinesis } from '@aws-sdk/client-kinesis';
import { casesOf, rule, type ContractCase, type Need, type Rule } from '../src/contract-case';
import { refused, same, Violation } from '../src/expectations';
import { runCase, runCases } from '../src/run-cases';
import type { Target } from '../src/target';

function caseOf(run: Rule['run'], needs: readonly Need[] = []): ContractCase {
  const [one] = casesOf('GetRecords', [rule('does something', run, { needs })]);
  return one!;
}

/** A client whose calls are never answered, and end only by their signal. */
function silentKinesis(): Kinesis {
  return new Kinesis({
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
    requestHandler: {
      handle: (_request: unknown, options?: { readonly abortSignal?: AbortSignal }) =>
        new Promise((_resolve, reject) => {
          const abort = (): void => reject(new Error('the call is aborted'));
          if (options?.abortSignal?.aborted === true) abort();
          options?.abortSignal?.addEventListener('abort', abort);
        }),
    },
  });
}

/** A target without a service: what these cases call never answers. */
function target(options: Partial<Target> = {}): Target & { readonly closed: readonly string[][] } {
  const closed: string[][] = [];
  return {
    name: 'none',
    offers: new Set(['costly']),
    concurrency: 2,
    alone: new Set(),
    caseTimeMs: 1000,
    open: async () => ({
      kinesis: silentKinesis(),
      rest: async () => undefined,
      newStreamName: () => `contract-${closed.length}`,
      sharedStream: { ask: async () => 'contract-shared' },
      close: async (names) => {
        closed.push([...names]);
      },
    }),
    close: async () => [],
    ...options,
    closed,
  };
}

describe('a case', () => {
  it('passes if it resolves, and what it made is deleted', async () => {
    const none = target();
    const outcome = await runCase(
      caseOf(async (context) => void context.newName()),
      none,
      new ManualClock(),
    );
    expect(outcome).toEqual({ kind: 'passed' });
    expect(none.closed).toEqual([['contract-0']]);
  });

  it('fails with its finding, and what it made is deleted', async () => {
    const none = target();
    const outcome = await runCase(
      caseOf(async (context) => {
        context.newName();
        same('the answer', 41, 42);
      }),
      none,
      new ManualClock(),
    );
    expect(outcome).toEqual({ kind: 'failed', finding: 'the answer: 41, not 42' });
    expect(none.closed).toEqual([['contract-0']]);
  });

  it('fails if it is not done in time, and does nothing more once what it made is deleted', async () => {
    const clock = new ManualClock();
    const none = target();
    const log: string[] = [];
    const outcome = runCase(
      caseOf(async (context) => {
        context.newName();
        await context.kinesis.listStreams({}).catch((error: unknown) => log.push(String(error)));
        for (const [what, step] of [
          ['a call', () => context.kinesis.listStreams({})],
          ['a rest', () => context.rest(1)],
          ['a retry', () => context.patiently(async () => undefined)],
          ['a name', async () => context.newName()],
        ] as const) {
          await step().then(
            () => log.push(`${what} after the end`),
            () => undefined,
          );
        }
        log.push(`${none.closed.length} deleted`);
      }),
      none,
      clock,
    );
    await clock.advance(1000);
    expect(await outcome).toEqual({ kind: 'failed', finding: 'not done after 1 s' });
    expect(log).toEqual(['Error: the call is aborted', '0 deleted']);
    expect(none.closed).toEqual([['contract-0']]);
  });

  it('is skipped, and nothing opened, where the target does not offer what it needs', async () => {
    const outcome = await runCase(
      caseOf(async () => undefined, ['clock', 'costly']),
      target({ open: () => Promise.reject(new Error('opened')) }),
      new ManualClock(),
    );
    expect(outcome).toEqual({ kind: 'skipped', missing: ['clock'] });
  });
});

describe('the cases', () => {
  it('run as many at a time as the target allows, those that come alone last, and report in their order', async () => {
    let running = 0;
    const log: string[] = [];
    const measure = (name: string, needs: readonly Need[] = []): ContractCase =>
      caseOf(async () => {
        running++;
        await Promise.resolve();
        await Promise.resolve();
        log.push(`${name} ${running}`);
        running--;
      }, needs);
    const cases = [measure('a', ['costly']), measure('b'), measure('c'), measure('d', ['costly'])];
    const results = await runCases(cases, target({ alone: new Set(['costly']) }), new ManualClock());
    expect(results.map((result) => cases.indexOf(result.case))).toEqual([0, 1, 2, 3]);
    expect(log).toEqual(['b 2', 'c 1', 'a 1', 'd 1']);
  });
});

describe('refused', () => {
  it('does not take a lost connection for a refusal', async () => {
    await expect(refused(Promise.reject(new Error('socket hang up')), ['Error'])).rejects.toThrow('socket hang up');
  });

  it('finds fault with a call that is accepted', async () => {
    await expect(refused(Promise.resolve(), ['LimitExceededException'])).rejects.toThrow(
      new Violation('the call is accepted, not LimitExceededException'),
    );
  });
});
