import assert from 'node:assert/strict';
import { settingsFromParent } from '../coordination/messages';
import { endWithParent, failParent } from '../server-side';
import { aggregates, assertSame, deaggregators } from './deaggregators';
import type { DeaggregationDone, DeaggregationSettings } from './messages';
import { measureUsage } from './process-usage';
import { sumOf } from './sum-of';

/** Takes the same aggregates apart again and again, one way, and says what that cost. */
function main({ way, isRead, warmUpMs, measuredMs }: DeaggregationSettings): void {
  const input = aggregates();
  assertSame(input);
  const { deaggregate, deaggregateAndShow } = deaggregators[way];
  let sum = 0;
  const lookAt = (data: Uint8Array): void => {
    sum = (sum + sumOf(data)) % 1_000_003;
  };
  const repeatFor = (ms: number): number => {
    let records = 0;
    for (const endAtMs = performance.now() + ms; performance.now() < endAtMs;) {
      for (const one of input) records += isRead ? deaggregateAndShow(one, lookAt) : deaggregate(one);
    }
    return records;
  };
  repeatFor(warmUpMs);
  const usage = measureUsage();
  const records = repeatFor(measuredMs);
  const { seconds, cpuMs } = usage();
  assert(sum > 0 === isRead);
  const done: DeaggregationDone = { kind: 'deaggregated', cost: { records, seconds, cpuMs } };
  process.send?.(done, undefined, undefined, () => process.exit(0));
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
try {
  main(settingsFromParent() as DeaggregationSettings);
} catch (error) {
  failParent(error);
}
