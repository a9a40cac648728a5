import { describe, expect, it } from '@jest/globals';
import { type AbortSignalLike, CallTimeoutError, withDeadline } from '../src';
import { ManualClock } from '../src/testing';

const never = (): Promise<never> => new Promise(() => undefined);

describe('withDeadline', () => {
  it('answers with what the call answered, and leaves no sleep behind', async () => {
    const clock = new ManualClock();
    await expect(withDeadline(clock, 100, { what: 'call' }, async () => 7)).resolves.toBe(7);
    expect(clock.sleeperCount).toBe(0);
  });

  it('rejects at the deadline even when the call ignores its signal, which has aborted', async () => {
    const clock = new ManualClock();
    let seen: AbortSignalLike | undefined;
    const outcome = withDeadline(clock, 100, { what: 'dynamodb:Scan' }, (signal) => {
      seen = signal;
      return never();
    }).catch((error: unknown) => error);
    await clock.advance(100);
    const error = await outcome;
    expect(error).toBeInstanceOf(CallTimeoutError);
    expect((error as Error).message).toBe('dynamodb:Scan did not answer within 100 ms');
    expect(seen?.aborted).toBe(true);
  });

  it('rejects with the reason when the signal aborts', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const outcome = withDeadline(clock, 100, { what: 'call', signal: stop.signal }, never);
    stop.abort(new Error('stopped'));
    await expect(outcome).rejects.toThrow('stopped');
    expect(clock.sleeperCount).toBe(0);
  });

  it.each(['deadline', 'abort'])(
    'rejects with the reason after the %s, however quick the call is with its own words',
    async (how) => {
      const clock = new ManualClock();
      const stop = new AbortController();
      const quick = (signal: AbortSignalLike): Promise<never> =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('Request aborted'))));
      const outcome = withDeadline(clock, 100, { what: 'call', signal: stop.signal }, quick).catch(
        (error: unknown) => error,
      );
      if (how === 'abort') stop.abort(new Error('stopped'));
      else await clock.advance(100);
      expect(((await outcome) as Error).message).toBe(
        how === 'abort' ? 'stopped' : 'call did not answer within 100 ms',
      );
    },
  );

  it('makes no call when the signal has aborted already', async () => {
    let called = false;
    const outcome = withDeadline(
      new ManualClock(),
      100,
      { what: 'call', signal: AbortSignal.abort(new Error('stopped')) },
      async () => {
        called = true;
      },
    );
    await expect(outcome).rejects.toThrow('stopped');
    expect(called).toBe(false);
  });
});
