import { describe, expect, it } from '@jest/globals';
import { simulate } from '../src';
import { ambushKinds } from '../src/ambush';
import { Chance } from '../src/chance';
import { drawSettings, type FleetSettings } from '../src/fleet-settings';
import { installLightAbort } from '../src/light-abort';

installLightAbort();

/** The first seeds whose fleets are set up so. */
function seedsWith(count: number, isWanted: (settings: FleetSettings) => boolean): readonly number[] {
  const seeds: number[] = [];
  for (let seed = 1; seeds.length < count; seed++) {
    if (isWanted(drawSettings(new Chance(seed).fork(), {}))) seeds.push(seed);
  }
  return seeds;
}

async function traceOf(seed: number): Promise<string> {
  const lines: string[] = [];
  await simulate({ seed, onTraceLine: (line) => lines.push(line) });
  return lines.join('\n');
}

describe('troubles that lie in wait', () => {
  const signs = {
    'waiting-child': /fault: row-deleted .* cannot read its parent/,
    'held-row': /fault: row-deleted .* does not hear of it/,
    'left-shard': /fault: age-out .* has just listed it/,
    'row-deleted-twice': /fault: row-deleted \S+ again, and the clock of/,
    'full-fleet': /fault: late-read .* hears late of a row/,
    'deaf-owner': / evicts: \[\d+ \S+ \(asked of kcl-worker\)/,
  };

  it.each(ambushKinds)('strike where a fleet is set up for it: %s', async (kind) => {
    const traces = await Promise.all(seedsWith(6, ({ ambush }) => ambush === kind).map(traceOf));
    expect(traces.filter((trace) => signs[kind].test(trace))).not.toEqual([]);
  });

  it('keep workers from a table with the leases of an earlier stream until those are gone', async () => {
    const [seed = 0] = seedsWith(1, ({ foreignRowsUntilMs }) => foreignRowsUntilMs > 0);
    const trace = await traceOf(seed);
    expect(trace).toMatch(/has ended with StreamRecreatedError/);
    expect(trace).toMatch(/every record was dealt with/);
  });

  it('make a worker of a KCL steal leases, and leave half of a hand-over behind', async () => {
    const traces = (await Promise.all(seedsWith(14, ({ weather }) => weather === 'storm').map(traceOf))).join('\n');
    expect(traces).toMatch(/fault: kcl-steals shardId-\d+, for a moment/);
    expect(traces).toMatch(/not one of ours writes: .* nobody \(asked of w\d+/);
  });
});
