import { ConfigError } from '@millrace/core';
import type { ServiceName } from '../service/service';

/** What goes wrong with a call. */
export type Fault =
  /** Refused by a rate limit, nothing done. Default: the name that the service has for it. */
  | { readonly kind: 'throttle'; readonly errorName?: string }
  /** Answered with a fault of the service, nothing done. Default: 500. */
  | { readonly kind: 'server-error'; readonly statusCode?: 500 | 503 }
  /** Arrives so much later. It then takes effect, also when the client has given up meanwhile. */
  | { readonly kind: 'slow-request'; readonly delayMs: Duration }
  /** Takes effect at once; the answer comes so much later. */
  | { readonly kind: 'slow-reply'; readonly delayMs: Duration }
  /** The connection is reset, nothing done. */
  | { readonly kind: 'lost-request' }
  /** Takes effect; then the connection is reset instead of an answer. */
  | { readonly kind: 'lost-reply' }
  /** Takes effect; the answer breaks off in the middle of its body. */
  | { readonly kind: 'cut-reply' }
  /**
   * Takes effect; the second half of the answer's body comes so much later than the first. Without sockets there are no
   * halves, and the whole answer comes then.
   */
  | { readonly kind: 'slow-body'; readonly delayMs: Duration }
  /** Takes effect; the answer means the same but is that long, filled up with blanks, which JSON allows. 128 MiB at most. */
  | { readonly kind: 'long-reply'; readonly bytes: number }
  /**
   * Nothing arrives and no answer comes back, also to calls under way. The connection stays open, and is reset once the rule
   * ends: when it is removed, or after its `forMs`.
   */
  | { readonly kind: 'partition'; readonly probability?: never; readonly times?: never }
  /** GetRecords: the iterator has expired. */
  | { readonly kind: 'expired-iterator' }
  /** GetRecords: no records, although there are some, and an iterator for the same place. AWS may answer so at any time. */
  | { readonly kind: 'empty-page' }
  /**
   * DynamoDB: a read that is not consistent sees the tables as they were up to so long ago, an hour at most, but not as
   * they were before the rule.
   */
  | { readonly kind: 'stale-read'; readonly lagMs: number };

/** Milliseconds, or a range of them from which each call draws. */
export type Duration = number | { readonly min: number; readonly max: number };

/** Which calls a fault meets. What is left out limits nothing. */
export interface FaultScope {
  readonly service?: ServiceName;
  /** Names such as `PutRecords` or `UpdateItem`. */
  readonly operations?: readonly string[];
  /** The name of a stream or table. */
  readonly resource?: string;
  /** Kinesis: calls about this shard (GetRecords by its iterator); no PutRecords. */
  readonly shardId?: string;
  /** One client: that which signs with this access key id. */
  readonly accessKeyId?: string;
  /** That a call is met, 0 to 1, drawn from the seed. Default: 1. */
  readonly probability?: number;
  /** How many calls are met before the rule ends by itself. Default: `Infinity`. */
  readonly times?: number;
  /** How long until the rule ends by itself, in milliseconds by the clock. Default: `Infinity`. */
  readonly forMs?: number;
}

export type FaultRule = Fault & FaultScope;

/** A rule that somebody wrote, maybe as JSON in another process. @throws ConfigError with all that is wrong with it */
export function asFaultRule(value: unknown): FaultRule {
  const problems = problemsOf(value);
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...(value as FaultRule) };
}

function problemsOf(rule: unknown): readonly string[] {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return ['a fault must be an object'];
  const given = rule as Readonly<Record<string, unknown>>;
  const { kind } = given;
  if (typeof kind !== 'string' || !Object.hasOwn(memberRules, kind)) {
    return [`kind must be one of ${Object.keys(memberRules).join(', ')}, not ${shown(kind)}`];
  }
  const own = memberRules[kind as Fault['kind']];
  const problems: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    if (name === 'kind' || value === undefined) continue;
    const check = memberRule(own, name) ?? memberRule(kind === 'partition' ? partitionScopeRules : scopeRules, name);
    if (check === undefined) problems.push(`${name} is not a member of a ${kind} fault`);
    else if (!check.holds(value)) problems.push(`${name} must be ${check.expected}, not ${shown(value)}`);
  }
  for (const name of requiredMembers[kind as Fault['kind']] ?? []) {
    if (given[name] === undefined) problems.push(`a ${kind} fault needs ${name}`);
  }
  return problems;
}

interface MemberRule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

type MemberRules = Readonly<Record<string, MemberRule>>;

const text: MemberRule = { expected: 'a text', holds: (value) => typeof value === 'string' && value !== '' };
const milliseconds: MemberRule = {
  expected: 'a number of milliseconds, 0 or more',
  holds: (value) => typeof value === 'number' && value >= 0,
};
const duration: MemberRule = {
  expected: 'a finite number of milliseconds, or { min, max }',
  holds: (value) => {
    if (typeof value === 'number') return Number.isFinite(value) && value >= 0;
    const { min, max } = (value ?? {}) as { readonly min?: unknown; readonly max?: unknown };
    return typeof min === 'number' && typeof max === 'number' && min >= 0 && max >= min && Number.isFinite(max);
  },
};

/** What has been overwritten is kept for as long as the longest lag. */
const maxReadLagMs = 3_600_000;

const readLag: MemberRule = {
  expected: `a number of milliseconds from 0 to ${maxReadLagMs}, an hour`,
  holds: (value) => typeof value === 'number' && value >= 0 && value <= maxReadLagMs,
};

const maxReplyBytes = 128 * 1024 * 1024;

const replyBytes: MemberRule = {
  expected: `a whole number of bytes up to ${maxReplyBytes}`,
  holds: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= maxReplyBytes,
};

const memberRules: Readonly<Record<Fault['kind'], MemberRules>> = {
  throttle: { errorName: text },
  'server-error': { statusCode: { expected: '500 or 503', holds: (value) => value === 500 || value === 503 } },
  'slow-request': { delayMs: duration },
  'slow-reply': { delayMs: duration },
  'lost-request': {},
  'lost-reply': {},
  'cut-reply': {},
  'slow-body': { delayMs: duration },
  'long-reply': { bytes: replyBytes },
  partition: {},
  'expired-iterator': {},
  'empty-page': {},
  'stale-read': { lagMs: readLag },
};

const requiredMembers: Partial<Record<Fault['kind'], readonly string[]>> = {
  'slow-request': ['delayMs'],
  'slow-reply': ['delayMs'],
  'slow-body': ['delayMs'],
  'long-reply': ['bytes'],
  'stale-read': ['lagMs'],
};

/** A partition stands between a client and the service for all calls or none, and until it ends, not until it has met some. */
const partitionScopeRules: MemberRules = {
  service: { expected: "'kinesis' or 'dynamodb'", holds: (value) => value === 'kinesis' || value === 'dynamodb' },
  operations: {
    expected: 'a list of names, not empty',
    holds: (value) => Array.isArray(value) && value.length > 0 && value.every((name) => text.holds(name)),
  },
  resource: text,
  shardId: text,
  accessKeyId: text,
  forMs: milliseconds,
};

const scopeRules: MemberRules = {
  ...partitionScopeRules,
  probability: {
    expected: 'a number from 0 to 1',
    holds: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
  times: {
    expected: 'a whole number of 1 or more, or Infinity',
    holds: (value) => value === Infinity || (Number.isInteger(value) && Number(value) >= 1),
  },
};

/** Whoever wrote the rule may have called a member `constructor`. */
function memberRule(rules: MemberRules, name: string): MemberRule | undefined {
  return Object.hasOwn(rules, name) ? rules[name] : undefined;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  // JSON has no Infinity.
  return (typeof value === 'number' ? String(value) : JSON.stringify(value)).slice(0, 80);
}
