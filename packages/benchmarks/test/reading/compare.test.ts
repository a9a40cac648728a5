import { describe, expect, it } from '@jest/globals';
import { inTurns } from '../../src/processing/read-in-turns';
import { compare } from '../../src/reading/compare';

describe('readers that take turns', () => {
  it('are each first once, and compared with the bare loop of the same turn', async () => {
    const order: string[] = [];
    const turns = await inTurns(3, (reader, run) => {
      order.push(reader);
      return Promise.resolve(`${reader}-${run}`);
    });
    expect(new Set([order[0], order[3], order[6]])).toEqual(new Set(['bare', 'sdk', 'direct']));
    expect(compare(turns)).toEqual([
      { adapter: 'bare-sdk', runs: [1, 2, 3].map((run) => ({ ours: `bare-${run}`, bare: undefined })) },
      { adapter: 'worker-sdk', runs: [1, 2, 3].map((run) => ({ ours: `sdk-${run}`, bare: `bare-${run}` })) },
      { adapter: 'worker-direct', runs: [1, 2, 3].map((run) => ({ ours: `direct-${run}`, bare: `bare-${run}` })) },
    ]);
  });
});
