import { describe, expect, it } from '@jest/globals';
import { steadyRun } from '../src';
import { installLightAbort } from '../src/light-abort';

installLightAbort();

describe.each(['idle', 'busy'] as const)('an hour of a fleet at rest whose leases are %s', (load) => {
  it('moves nothing, warns of nothing, and costs what the formula says', async () => {
    const { moves, warnings, costs, perLeaseHour, perWorkerHour, records } = await steadyRun({
      ...{ hours: 1, workers: 2, shards: 6, load },
    });
    expect({ moves, warnings, isBusy: records > 5_000 }).toEqual({ moves: 0, warnings: [], isBusy: load === 'busy' });
    for (const [name, { measured, predicted }] of Object.entries({ ...perLeaseHour, ...perWorkerHour })) {
      const share = measured / predicted;
      expect({ name, share, isNear: share > 0.95 && share < 1.005 }).toEqual({ name, share, isNear: true });
    }
    // Nothing else is asked of DynamoDB.
    expect([costs.others, costs.moves, costs.mailWrites].map(({ calls }) => calls)).toEqual([0, 0, 0]);
  }, 240_000);
});
