import { defaultKinesisLimits, type KinesisLimits } from './limits';

/** For {@link KinesisLimits} without any rate: nothing is refused for coming too soon or too often. Sizes and lifetimes stay. */
export const unlimitedRates: Partial<KinesisLimits> = Object.fromEntries(
  Object.keys(defaultKinesisLimits)
    .filter((name) => /Per(Second|Day)$/.test(name))
    .map((name) => [name, Infinity]),
);
