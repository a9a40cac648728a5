import { describe, expect, it } from '@jest/globals';
import { resolveFetchOptions } from '@millrace/record-fetcher';

describe('resolveFetchOptions', () => {
  it('fills in defaults field by field', () => {
    const problems: string[] = [];
    const defaults = {
      ...{ maxRecords: 10_000, callTimeoutMs: 10_000 },
      ...{ idleTimeBetweenReadsMs: 1_000, minTimeBetweenReadsMs: 200, readAheadPages: 1 },
    };
    expect(resolveFetchOptions(undefined, problems)).toEqual(defaults);
    expect(resolveFetchOptions({ maxRecords: undefined, callTimeoutMs: 30_000 }, problems)).toEqual({
      ...defaults,
      callTimeoutMs: 30_000,
    });
    expect(problems).toEqual([]);
  });

  it('takes the ends of every range', () => {
    const problems: string[] = [];
    resolveFetchOptions({ maxRecords: 1, idleTimeBetweenReadsMs: 200, callTimeoutMs: 1_000 }, problems);
    resolveFetchOptions({ maxRecords: 10_000, idleTimeBetweenReadsMs: 240_000, callTimeoutMs: 120_000 }, problems);
    resolveFetchOptions({ minTimeBetweenReadsMs: 200, readAheadPages: 0 }, problems);
    resolveFetchOptions({ readAheadPages: 4 }, problems);
    expect(problems).toEqual([]);
  });

  it('takes a pause after records that is longer than that of an idle shard', () => {
    const problems: string[] = [];
    const waits = { minTimeBetweenReadsMs: 240_000, idleTimeBetweenReadsMs: 200 };
    expect(resolveFetchOptions(waits, problems)).toMatchObject(waits);
    expect(problems).toEqual([]);
  });

  it('names all that is wrong', () => {
    const problems: string[] = [];
    const tooMuch = { maxRecords: 10_001, idleTimeBetweenReadsMs: 199, minTimeBetweenReadsMs: 240_001 };
    resolveFetchOptions({ ...tooMuch, callTimeoutMs: 1_000.5, readAheadPages: 5 }, problems);
    expect(problems).toEqual([
      'fetch.maxRecords must be an integer from 1 to 10000, not 10001',
      'fetch.idleTimeBetweenReadsMs must be an integer from 200 to 240000, not 199',
      'fetch.minTimeBetweenReadsMs must be an integer from 200 to 240000, not 240001',
      'fetch.callTimeoutMs must be an integer from 1000 to 120000, not 1000.5',
      'fetch.readAheadPages must be an integer from 0 to 4, not 5',
    ]);
    resolveFetchOptions(JSON.parse('{ "maxRecords": "all" }') as object, problems);
    expect(problems.at(-1)).toBe('fetch.maxRecords must be an integer from 1 to 10000, not all');
  });
});
