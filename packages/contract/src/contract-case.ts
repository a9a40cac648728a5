import type { CaseContext } from './case-context';

/** The operations that have cases, by the names of the API. */
export const operations = [
  'CreateStream',
  'DeleteStream',
  'DescribeStream',
  'DescribeStreamSummary',
  'DescribeLimits',
  'ListStreams',
  'ListShards',
  'PutRecord',
  'PutRecords',
  'GetShardIterator',
  'GetRecords',
  'SplitShard',
  'MergeShards',
  'UpdateShardCount',
  'IncreaseStreamRetentionPeriod',
  'DecreaseStreamRetentionPeriod',
  'UpdateStreamMode',
  'UpdateMaxRecordSize',
  'AddTagsToStream',
  'RemoveTagsFromStream',
  'ListTagsForStream',
  'TagResource',
  'UntagResource',
  'ListTagsForResource',
] as const;

export type Operation = (typeof operations)[number];

/** What a case may ask of a target beyond an endpoint, in words. */
export const needs = {
  clock: 'minutes or hours can be let pass at once',
  costly: 'many shards, streams or minutes do not matter',
  megabytes: 'a few megabytes can be moved within the time of a case',
  'own-account': 'nobody else makes or deletes streams meanwhile',
  states: 'a stream can be seen CREATING, UPDATING or DELETING by the next call',
  volume: 'ten megabytes, or hundreds of things, can be moved within the time of a case',
} as const;

export type Need = keyof typeof needs;

/** One rule that AWS documents, and the calls that show whether a service keeps it. */
export interface ContractCase {
  readonly operation: Operation;
  /** A sentence that goes on from the operation's name. Unique within the operation. */
  readonly rule: string;
  /** The page of AWS that says so. */
  readonly page: string;
  readonly needs: readonly Need[];
  /** Rejects if the service does anything else than the rule says. */
  run(context: CaseContext): Promise<void>;
}

interface RuleOptions {
  /** Default: the operation's page in the API reference. */
  readonly page?: string;
  readonly needs?: readonly Need[];
}

/** A case that does not know its operation yet. */
export interface Rule extends RuleOptions {
  readonly rule: string;
  readonly run: ContractCase['run'];
}

export function rule(text: string, run: ContractCase['run'], options: RuleOptions = {}): Rule {
  return { rule: text, run, ...options };
}

export function casesOf(operation: Operation, rules: readonly Rule[]): readonly ContractCase[] {
  return rules.map(({ rule: text, run, page, needs: asked }) => ({
    operation,
    rule: text,
    page: page ?? apiPage(operation),
    needs: asked ?? [],
    run,
  }));
}

/** The rules, each with this need beside its own. */
export function needing(need: Need, rules: readonly Rule[]): readonly Rule[] {
  return rules.map((one) => ({ ...one, needs: [...(one.needs ?? []), need] }));
}

export function apiPage(name: string): string {
  return `API reference: ${name}`;
}

export const quotasPage = 'Developer guide: Quotas and limits';
export const reshardingPage = 'Developer guide: Complete the resharding action';
export const modesPage = 'Developer guide: Choose the data stream capacity mode';
export const retentionPage = 'Developer guide: Change the data retention period';
