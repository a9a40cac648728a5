import type { Kinesis } from '@aws-sdk/client-kinesis';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { AwsReady } from './aws-server';

export const scenarioNames = [
  'cold-start',
  'start-together',
  'join',
  'scale-out',
  'sigterm',
  'sigkill',
  'rolling-restart',
] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export interface Scenario {
  readonly name: ScenarioName;
  /** When all are there. */
  readonly workers: number;
  readonly shards: number;
  /** Unless the command line says otherwise. */
  readonly runs: number;
  measure(context: ScenarioContext): Promise<Samples>;
}

export interface ScenarioContext {
  readonly aws: AwsReady;
  readonly kinesis: Kinesis;
  readonly dynamodb: DynamoDBClient;
  readonly workers: number;
  readonly shards: number;
  readonly runs: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** What a scenario has measured; what does not apply to it is not there. Times in milliseconds. */
export interface Samples {
  /** For each run, how long it took until all leases were held, evenly. */
  readonly balancedMs?: readonly number[];
  /** For each run, how long it took until a newcomer was given its first records. */
  readonly firstRecordMs?: readonly number[];
  /** For each run and shard that it is about, how long the shard was not read. */
  readonly unreadMs?: readonly number[];
  /** For each run, the time over that of the bare writes. */
  readonly ratios?: readonly number[];
  /** How often leases were acquired by another worker; which leases count is up to the scenario. */
  readonly moves?: readonly number[];
  /** For each run, calls over leases. */
  readonly createsPerLease?: readonly number[];
  readonly claimsPerLease?: readonly number[];
  /** Of all runs together. */
  readonly duplicates?: number;
  readonly missing?: number;
}
