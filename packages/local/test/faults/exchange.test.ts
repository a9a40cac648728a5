import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, seededRandom, settle } from '@millrace/core/testing';
import { faultyExchange, type Exchange } from '../../src/faults/exchange';
import { Faults } from '../../src/faults/faults';
import {
  accessKeyIdOf,
  type AnswerOptions,
  type Outcome,
  type Service,
  type ServiceRequest,
} from '../../src/service/service';

/** Answers with how many requests it has carried out. */
class CountingService implements Service {
  effects = 0;
  readonly seen: AnswerOptions[] = [];

  callOf(request: ServiceRequest): ReturnType<Service['callOf']> {
    return {
      service: 'kinesis',
      operation: 'GetRecords',
      resource: undefined,
      shardId: undefined,
      accessKeyId: accessKeyIdOf(request),
    };
  }

  answer(_: ServiceRequest, options: AnswerOptions = {}): ReturnType<Service['refuse']> {
    this.effects++;
    this.seen.push(options);
    return { statusCode: 200, headers: {}, body: String(this.effects) };
  }

  refuse(
    _: ServiceRequest,
    { errorName, statusCode }: Parameters<Service['refuse']>[1],
  ): ReturnType<Service['refuse']> {
    return { statusCode, headers: {}, body: errorName };
  }
}

let clock: ManualClock;
let service: CountingService;
let faults: Faults;
let closing: AbortController;
let exchange: Exchange;

beforeEach(() => {
  clock = new ManualClock();
  service = new CountingService();
  faults = new Faults({ clock, random: seededRandom(1) });
  closing = new AbortController();
  exchange = faultyExchange(service, { faults, clock, closing: closing.signal });
});

function request(accessKeyId = 'worker-1'): ServiceRequest {
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/kinesis/aws4_request, Signature=x`;
  return { method: 'POST', path: '/', headers: { authorization }, body: new Uint8Array() };
}

/** The outcome once there is one; `undefined` while there is none. */
function watch(outcome: Promise<Outcome>): { readonly outcome: Outcome | undefined } {
  const seen: { outcome: Outcome | undefined } = { outcome: undefined };
  void outcome.then((value) => (seen.outcome = value));
  return seen;
}

const bodyOf = (outcome: Outcome | undefined): unknown =>
  outcome?.kind === 'reply' ? outcome.reply.body : outcome?.kind;

describe('an exchange under faults', () => {
  it('is the service itself while there are none', async () => {
    expect(bodyOf(await exchange(request()))).toBe('1');
  });

  it.each([
    ['lost-request', 'reset', 0],
    ['lost-reply', 'reset', 1],
    ['cut-reply', 'cut-reply', 1],
    ['throttle', 'ProvisionedThroughputExceededException', 0],
    ['server-error', 'InternalFailure', 0],
    ['expired-iterator', 'ExpiredIteratorException', 0],
  ] as const)('%s: the client sees %s, and the effect took place %d times', async (kind, seen, effects) => {
    faults.add({ kind, times: 1 });
    expect(bodyOf(await exchange(request()))).toBe(seen);
    expect(service.effects).toBe(effects);
    expect(bodyOf(await exchange(request()))).toBe(String(effects + 1));
  });

  it('slow-request: takes effect after the delay, although nobody may be waiting any longer', async () => {
    faults.add({ kind: 'slow-request', delayMs: 120_000, times: 1 });
    const slow = watch(exchange(request()));
    await clock.advance(119_999);
    expect(service.effects).toBe(0);
    await clock.advance(1);
    expect(service.effects).toBe(1);
    expect(bodyOf(slow.outcome)).toBe('1');
  });

  it('slow-reply: takes effect at once and answers after the delay', async () => {
    faults.add({ kind: 'slow-reply', delayMs: 500 });
    const slow = watch(exchange(request()));
    await settle();
    expect(service.effects).toBe(1);
    expect(slow.outcome).toBeUndefined();
    await clock.advance(500);
    expect(bodyOf(slow.outcome)).toBe('1');
  });

  it('slow-body: takes effect at once, and lets the rest of the answer come after the delay', async () => {
    faults.add({ kind: 'slow-body', delayMs: 500 });
    const outcome = await exchange(request());
    if (outcome.kind !== 'paused-reply') throw new Error(`not a paused reply but ${outcome.kind}`);
    expect(outcome.reply.body).toBe('1');
    let resumed: boolean | undefined;
    void outcome.resumed.then((value) => (resumed = value));
    await clock.advance(499);
    expect(resumed).toBeUndefined();
    await clock.advance(1);
    expect(resumed).toBe(true);
  });

  it('slow-body: lets no rest come once everything closes', async () => {
    faults.add({ kind: 'slow-body', delayMs: 500 });
    const outcome = await exchange(request());
    closing.abort();
    expect(outcome.kind === 'paused-reply' && (await outcome.resumed)).toBe(false);
  });

  it('long-reply: fills a shorter answer up with blanks, and leaves a longer one alone', async () => {
    const rule = faults.add({ kind: 'long-reply', bytes: 5 });
    expect(String(bodyOf(await exchange(request())))).toBe('1    ');
    faults.remove(rule);
    faults.add({ kind: 'long-reply', bytes: 0 });
    expect(bodyOf(await exchange(request()))).toBe('2');
  });

  it('tells the service of stale reads and empty pages', async () => {
    faults.add({ kind: 'empty-page' });
    await exchange(request());
    expect(service.seen).toEqual([{ emptyPage: true }]);
  });

  it('carries a call out in the turn in which its faults were chosen, if none delays it', async () => {
    // A rule that was met for the last time would no longer keep the past for a stale read.
    faults.add({ kind: 'empty-page', times: 1 });
    const called = exchange(request());
    expect(service.effects).toBe(1);
    await called;
  });

  it('partition: holds the calls of one client without effect, resets them when it is lifted, and lets others pass', async () => {
    const partition = faults.add({ kind: 'partition', accessKeyId: 'worker-1' });
    const held = watch(exchange(request('worker-1')));
    expect(bodyOf(await exchange(request('worker-2')))).toBe('1');
    await clock.advance(600_000);
    expect(held.outcome).toBeUndefined();
    faults.remove(partition);
    await settle();
    expect(held.outcome).toEqual({ kind: 'reset' });
    expect(service.effects).toBe(1);
    expect(bodyOf(await exchange(request('worker-1')))).toBe('2');
  });

  it('partition: lifts itself after its time', async () => {
    faults.add({ kind: 'partition', forMs: 5_000 });
    const held = watch(exchange(request()));
    await clock.advance(4_999);
    expect(held.outcome).toBeUndefined();
    await clock.advance(1);
    expect(held.outcome).toEqual({ kind: 'reset' });
  });

  it('partition: the answer to a call that was under way when it began does not come through', async () => {
    faults.add({ kind: 'slow-reply', delayMs: 100, times: 1 });
    const underWay = watch(exchange(request()));
    await settle();
    const partition = faults.add({ kind: 'partition' });
    await clock.advance(1_000);
    expect(service.effects).toBe(1);
    expect(underWay.outcome).toBeUndefined();
    faults.remove(partition);
    await settle();
    expect(underWay.outcome).toEqual({ kind: 'reset' });
  });

  it('partition: a second one goes on holding what the first one held', async () => {
    const first = faults.add({ kind: 'partition' });
    const held = watch(exchange(request()));
    const second = faults.add({ kind: 'partition' });
    faults.remove(first);
    await settle();
    expect(held.outcome).toBeUndefined();
    faults.remove(second);
    await settle();
    expect(held.outcome).toEqual({ kind: 'reset' });
  });

  it('resets what is held or delayed when the service closes', async () => {
    faults.add({ kind: 'partition', accessKeyId: 'worker-1' });
    faults.add({ kind: 'slow-request', delayMs: 60_000, accessKeyId: 'worker-2' });
    faults.add({ kind: 'slow-reply', delayMs: 60_000, accessKeyId: 'worker-3' });
    const all = ['worker-1', 'worker-2', 'worker-3'].map((id) => watch(exchange(request(id))));
    await settle();
    closing.abort();
    await settle();
    expect(all.map(({ outcome }) => outcome?.kind)).toEqual(['reset', 'reset', 'reset']);
    expect(clock.sleeperCount).toBe(0);
  });

  it('resets whatever comes after the service has closed, and carries nothing out', async () => {
    closing.abort();
    expect(await exchange(request())).toEqual({ kind: 'reset' });
    faults.add({ kind: 'throttle' });
    expect(await exchange(request())).toEqual({ kind: 'reset' });
    expect(service.effects).toBe(0);
  });
});
