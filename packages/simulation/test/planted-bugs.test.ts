import { describe, expect, it } from '@jest/globals';
import { simulate, type Guarantee } from '../src';
import { installLightAbort } from '../src/light-abort';
import {
  checkpointingInstead,
  countingNothing,
  orphaning,
  readingFrom,
  withoutCondition,
  withoutCounter,
  type Tamper,
} from './planted-bugs';

installLightAbort();

/** Each bug must be found within so many seeds, from the first. */
const maxSeeds = 20;

/** The bug, how it is planted, and what it breaks first, depending on the seed. */
const bugs: readonly (readonly [string, Tamper, readonly Guarantee[]])[] = [
  ['a renewal without its condition', withoutCondition('renew'), ['G3', 'G4']],
  ['a take without its condition', withoutCondition('take'), ['G4']],
  ['a take that does not look at the counter', withoutCounter('take'), ['G4']],
  ['a release without its condition', withoutCondition('release'), ['G3', 'G4']],
  ['a renewal that leaves the counter alone', countingNothing('renew'), ['G3']],
  ['a take that leaves the counter alone', countingNothing('take'), ['G3']],
  ['a checkpoint that forgets the position', checkpointingInstead('TRIM_HORIZON'), ['G3']],
  ['a checkpoint that is shard end', checkpointingInstead('SHARD_END'), ['G2', 'G7']],
  ['a reader that goes on from the tip', readingFrom('LATEST'), ['G1', 'G2']],
  ['a reader that goes on behind the next record', readingFrom('AFTER_SEQUENCE_NUMBER'), ['G1', 'G2']],
  ['a child that does not know its parents', orphaning, ['G2']],
];

describe('a bug is found', () => {
  it.each(bugs)(
    '%s',
    async (_, tamper, guarantees) => {
      for (let seed = 1; seed <= maxSeeds; seed++) {
        const { failure } = await simulate({ seed, tamper });
        if (failure === undefined) continue;
        expect({ seed, guarantee: failure.guarantee }).toEqual({
          ...{ seed, guarantee: guarantees.find((guarantee) => guarantee === failure.guarantee) },
        });
        expect(failure.trace.length).toBeGreaterThan(0);
        return;
      }
      throw new Error(`not found in ${maxSeeds} seeds`);
    },
    60_000,
  );
});
