import type { Clock, Random } from '@millrace/core';
import type { AnswerOptions, Call, Refusal } from '../service/service';
import { asFaultRule, type Duration, type FaultRule } from './fault-rule';
import { refusalOf } from './refusals';

/** A rule that is in force. */
export interface ActiveFault {
  readonly id: string;
  readonly rule: FaultRule;
  /** How many calls it has met. */
  readonly hits: number;
}

/** What is to become of one call, by all the rules that meet it. */
export interface FaultPlan {
  readonly isPartitioned: boolean;
  readonly isRequestLost: boolean;
  readonly requestDelayMs: number;
  /** The first that a rule has for the call. */
  readonly refusal: Refusal | undefined;
  readonly answer: AnswerOptions;
  readonly replyDelayMs: number;
  /** Between the halves of the answer's body. */
  readonly bodyDelayMs: number;
  /** That the answer's body is filled up to. */
  readonly replyBytes: number;
  readonly reply: 'cut' | 'lost' | 'whole';
}

/**
 * The faults that are in force for both services. Chance comes from the seed, so that the same calls in the same order meet the same
 * faults. A rule ends when it is removed, after its `times`, or after its `forMs` by the clock.
 */
export class Faults {
  readonly #rules = new Map<string, Rule>();
  readonly #clock: Clock;
  readonly #random: Random;
  #added = 0;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Puts a rule into force, for every call that arrives from now on. @throws ConfigError if the rule makes no sense */
  add(rule: FaultRule): ActiveFault {
    const checked = asFaultRule(rule);
    const id = `fault-${++this.#added}`;
    const added = new Rule(id, checked, this.#clock.now() + (checked.forMs ?? Infinity));
    this.#rules.set(id, added);
    return added;
  }

  /** Ends a rule. Returns whether there was one. Calls that a partition held are reset. */
  remove(fault: ActiveFault | string): boolean {
    const id = typeof fault === 'string' ? fault : fault.id;
    const rule = this.#rules.get(id);
    rule?.end();
    return this.#rules.delete(id);
  }

  /** Ends all rules. */
  clear(): void {
    for (const id of [...this.#rules.keys()]) this.remove(id);
  }

  /** Whether no rule is in force: nothing else has to be looked at. */
  get areNone(): boolean {
    return this.#rules.size === 0;
  }

  /** The rules in force, oldest first. */
  list(): readonly ActiveFault[] {
    this.#dropEnded();
    return [...this.#rules.values()];
  }

  /** What is to become of this call; `undefined` if nothing goes wrong. Each rule that meets it counts a hit. */
  planFor(call: Call): FaultPlan | undefined {
    this.#dropEnded();
    const met = [...this.#rules.values()].filter((rule) => rule.meets(call, this.#random)).map(({ rule }) => rule);
    return met.length === 0 ? undefined : combine(call, met, this.#random);
  }

  /** How far back a stale read may look by the rules in force, in milliseconds; 0 if none makes reads stale. */
  get greatestReadLagMs(): number {
    if (this.areNone) return 0;
    this.#dropEnded();
    return Math.max(0, ...[...this.#rules.values()].map(({ rule }) => (rule.kind === 'stale-read' ? rule.lagMs : 0)));
  }

  /** Whether a partition stands between this call's client and the service right now. Counts nothing. */
  isPartitioned(call: Call): boolean {
    return this.#partitionOf(call) !== undefined;
  }

  /** Resolves once no partition holds the call any longer. Rejects with the signal's reason. */
  async partitionLifted(call: Call, signal: AbortSignal): Promise<void> {
    for (let rule = this.#partitionOf(call); rule !== undefined; rule = this.#partitionOf(call)) {
      await this.#clock
        .sleep(rule.endsAtMs - this.#clock.now(), AbortSignal.any([rule.ended, signal]))
        .catch(() => undefined);
      signal.throwIfAborted();
    }
  }

  #partitionOf(call: Call): Rule | undefined {
    this.#dropEnded();
    return [...this.#rules.values()].find(({ rule, covers }) => rule.kind === 'partition' && covers(call));
  }

  #dropEnded(): void {
    const nowMs = this.#clock.now();
    for (const rule of this.#rules.values()) {
      if (rule.endsAtMs <= nowMs || rule.isSpent) this.remove(rule);
    }
  }
}

class Rule implements ActiveFault {
  hits = 0;
  readonly #ending = new AbortController();

  constructor(
    readonly id: string,
    readonly rule: FaultRule,
    readonly endsAtMs: number,
  ) {}

  /** Aborts once the rule is no longer in force. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  get isSpent(): boolean {
    return this.hits >= (this.rule.times ?? Infinity);
  }

  end(): void {
    this.#ending.abort();
  }

  /** Whether the call is in the rule's scope. */
  readonly covers = (call: Call): boolean => {
    const { service, operations, resource, shardId, accessKeyId } = this.rule;
    return (
      (service === undefined || service === call.service) &&
      (operations === undefined || (call.operation !== undefined && operations.includes(call.operation))) &&
      (resource === undefined || resource === call.resource) &&
      (shardId === undefined || shardId === call.shardId) &&
      (accessKeyId === undefined || accessKeyId === call.accessKeyId) &&
      concerns(this.rule, call)
    );
  };

  /** Draws whether the rule meets this call, and counts it. */
  meets(call: Call, random: Random): boolean {
    const { probability = 1 } = this.rule;
    if (!this.covers(call) || (probability < 1 && random.next() >= probability)) return false;
    this.hits++;
    return true;
  }
}

const reads = ['GetItem', 'BatchGetItem', 'Query', 'Scan'];

/** Some faults can only happen to some calls. */
function concerns({ kind }: FaultRule, { service, operation = '' }: Call): boolean {
  switch (kind) {
    case 'expired-iterator':
    case 'empty-page':
      return service === 'kinesis' && operation === 'GetRecords';
    case 'stale-read':
      return service === 'dynamodb' && reads.includes(operation);
    default:
      return true;
  }
}

function combine(call: Call, rules: readonly FaultRule[], random: Random): FaultPlan {
  const has = (kind: FaultRule['kind']): boolean => rules.some((rule) => rule.kind === kind);
  const delay = (kind: 'slow-body' | 'slow-reply' | 'slow-request'): number =>
    rules.reduce((sum, rule) => (rule.kind === kind ? sum + draw(rule.delayMs, random) : sum), 0);
  const lags = rules.flatMap((rule) => (rule.kind === 'stale-read' ? [rule.lagMs] : []));
  return {
    isPartitioned: has('partition'),
    isRequestLost: has('lost-request'),
    requestDelayMs: delay('slow-request'),
    refusal: rules.map((rule) => refusalOf(rule, call)).find((refusal) => refusal !== undefined),
    answer: {
      ...(has('empty-page') && { emptyPage: true }),
      ...(lags.length > 0 && { readLagMs: Math.max(...lags) }),
    },
    replyDelayMs: delay('slow-reply'),
    bodyDelayMs: delay('slow-body'),
    replyBytes: Math.max(0, ...rules.map((rule) => (rule.kind === 'long-reply' ? rule.bytes : 0))),
    reply: has('lost-reply') ? 'lost' : has('cut-reply') ? 'cut' : 'whole',
  };
}

function draw(duration: Duration, random: Random): number {
  return typeof duration === 'number' ? duration : duration.min + random.next() * (duration.max - duration.min);
}
