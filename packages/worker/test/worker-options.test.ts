import { describe, expect, it } from '@jest/globals';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ConfigError, Worker, type DeadLetter, type WorkerOptions } from '../src';
import { resolveWorkerOptions } from '../src/worker-options';

const good: WorkerOptions = {
  applicationName: 'flight-delays',
  streamName: 'flights',
  processorFactory: () => ({ processRecords: () => undefined }),
};

function problemsOf(options: object): readonly string[] {
  try {
    new Worker(options as WorkerOptions);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the options of a Worker', () => {
  it('need a name, a stream and a factory, and no more', () => {
    expect(problemsOf(good)).toEqual([]);
  });

  it('report all problems at once', () => {
    expect(
      problemsOf({
        applicationName: 'a b',
        checkpointing: 'sometimes',
        checkpointEveryRecords: 0,
        initialPosition: { timestamp: new Date('never') },
        leases: { failoverTimeMs: 10_000, renewIntervalMs: 5_000 },
        fetch: { maxRecords: 20_000 },
        retry: { baseDelayMs: 0 },
        auditIntervalMs: Number.NaN,
        table: { billing: { readCapacity: 0, writeCapacity: 5 } },
        failoverTimeMs: 5,
        streamname: 'flights',
      }),
    ).toEqual([
      'failoverTimeMs is not an option',
      'streamname is not an option',
      'applicationName (a b) must have 1 to 255 characters of a-z A-Z 0-9 _ . -',
      'applicationName, as the name of the lease table, (a b) must have 3 to 255 characters of a-z A-Z 0-9 _ . -',
      'processorFactory must be a function that returns a record processor',
      'exactly one of streamName and streamArn must be given',
      'table.billing.readCapacity (0) must be a whole number of 1 or more',
      'leases.renewIntervalMs (5000) must be at most a third of leases.failoverTimeMs (10000)',
      'fetch.maxRecords must be an integer from 1 to 10000, not 20000',
      'retry.baseDelayMs (0) must be 1 or more',
      "initialPosition must be 'TRIM_HORIZON', 'LATEST' or { timestamp: a valid Date }",
      'checkpointing (sometimes) must be one of manual, automatic',
      'checkpointEveryRecords (0) must be from 1 to 1000000',
      'auditIntervalMs (NaN) must be from 1000 to 86400000',
    ]);
  });

  it('refuse a misspelt option at every level, instead of a silent default', () => {
    expect(
      problemsOf({
        ...good,
        leases: { failoverTimeMillis: 5 },
        fetch: { maxRecord: 1 },
        retry: { baseDelay: 1 },
        table: { creat: false },
      }),
    ).toEqual([
      'table.creat is not an option',
      'leases.failoverTimeMillis is not an option',
      'fetch.maxRecord is not an option',
      'retry.baseDelay is not an option',
    ]);
  });

  it('take every failure policy, and refuse what is none', () => {
    const deadLetter = async (): Promise<void> => undefined;
    for (const failurePolicy of ['block', 'bisect', 'skip', { deadLetter }]) {
      expect(problemsOf({ ...good, failurePolicy })).toEqual([]);
    }
    for (const failurePolicy of ['sikp', null, {}, { deadLetter: 5 }, 7]) {
      expect(problemsOf({ ...good, failurePolicy, retry: { maxAttempts: 3 } })).toEqual([
        "failurePolicy must be 'block', 'bisect', 'skip' or { deadLetter: a function }",
      ]);
    }
  });

  it('count crashes with every failure policy', () => {
    for (const failurePolicy of ['block', 'bisect', 'skip'] as const) {
      for (const maxCrashes of [1, 3, 100])
        expect(problemsOf({ ...good, failurePolicy, retry: { maxCrashes } })).toEqual([]);
      for (const maxCrashes of [0, 101, 1.5, Infinity, Number.NaN]) {
        expect(problemsOf({ ...good, failurePolicy, retry: { maxCrashes } })).toEqual([
          `retry.maxCrashes (${String(maxCrashes)}) must be a whole number from 1 to 100`,
        ]);
      }
    }
    expect(resolveWorkerOptions(good).retry.maxCrashes).toBe(3);
  });

  it('keep the sink a method of its object', async () => {
    const letters: unknown[] = [];
    class Box {
      letters = letters;
      async deadLetter(letter: unknown): Promise<void> {
        this.letters.push(letter);
      }
    }
    const { failurePolicy } = resolveWorkerOptions({ ...good, failurePolicy: new Box() });
    if (failurePolicy.kind !== 'dead-letter') throw new Error('not a sink');
    await failurePolicy.sink({ id: 'x' } as DeadLetter, { signal: new AbortController().signal });
    expect(letters).toHaveLength(1);
  });

  it('give a shard at least the time that a call and a lease may take before it counts as stalled', () => {
    const resolved = (changes: object): number => resolveWorkerOptions({ ...good, ...changes }).stallTimeoutMs;
    expect(resolved({})).toBe(60_000);
    expect(resolved({ fetch: { callTimeoutMs: 120_000 } })).toBe(240_000);
    expect(resolved({ leases: { failoverTimeMs: 300_000 } })).toBe(300_000);
    expect(resolved({ stallTimeoutMs: 20_000 })).toBe(20_000);
    expect(problemsOf({ ...good, stallTimeoutMs: 20_000, fetch: { callTimeoutMs: 10_001 } })).toEqual([
      'stallTimeoutMs (20000) must be at least 10000, twice fetch.callTimeoutMs and leases.failoverTimeMs (here 20002), and at most 3600000',
    ]);
    expect(problemsOf({ ...good, stallTimeoutMs: 20_000, leases: { failoverTimeMs: 20_001 } })).toHaveLength(1);
    expect(problemsOf({ ...good, stallTimeoutMs: 9_999, fetch: { callTimeoutMs: 1_000 } })).toHaveLength(1);
    expect(problemsOf({ ...good, stallTimeoutMs: 3_600_001 })).toHaveLength(1);
    expect(problemsOf({ ...good, stallTimeoutMs: Number.NaN })).toHaveLength(1);
  });

  it('let records of different keys be processed side by side, and whole keys be let go, only together', () => {
    const deadLetter = (): Promise<void> => Promise.resolve();
    const byKey = { concurrency: { by: 'partitionKey', maxInFlight: 5 } };
    expect(resolveWorkerOptions({ ...good, ...(byKey as object) }).concurrency).toEqual({
      ...{ by: 'partitionKey', maxInFlight: 5, maxAhead: 50 },
    });
    expect(problemsOf({ ...good, ...byKey, failurePolicy: { deadLetter, scope: 'key' } })).toEqual([]);
    expect(problemsOf({ ...good, failurePolicy: { deadLetter, scope: 'key' } })).toEqual([
      "failurePolicy.scope 'key' needs concurrency by partitionKey",
    ]);
    expect(problemsOf({ ...good, failurePolicy: { deadLetter, scope: 'shard' } })).toHaveLength(1);
    for (const concurrency of [null, 5, { by: 'shard', maxInFlight: 5 }, { maxInFlight: 5, maxAhead: 4 }, {}]) {
      expect(problemsOf({ ...good, concurrency })).toHaveLength(1);
    }
  });

  it.each([
    [{ streamName: 'a', streamArn: 'arn:aws:kinesis:us-east-1:123456789012:stream/a' }, 'exactly one of'],
    [{ streamName: undefined, streamArn: 'arn:aws:s3:::bucket' }, 'is not the ARN of a Kinesis stream'],
    [{ dynamodb: DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-west-1' })) }, 'not a document client'],
  ])('refuse %#', (changes, message) => {
    expect(problemsOf({ ...good, ...changes }).join()).toContain(message);
  });
});
