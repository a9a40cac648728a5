import type { Bench, BenchContext, BenchResult } from '../bench';
import { ServerProcess } from '../server-process';
import { scriptOf, targetsOf, type EmulatorName } from './emulators';
import { measureLoad, type Measurement } from './measure-load';
import { measureStarts } from './measure-starts';
import { reportLines } from './report';
import { rowOf } from './rows';
import { parseSettings, settingsUsage, type Settings } from './settings';

/** The embedded Kinesis beside the independent emulator `kinesis-local`, through the SDK's client, without rate limits. */
export const localBench: Bench = {
  name: 'local',
  summary: 'records/s, MB/s and calls/s of @millrace/local, beside kinesis-local',
  options: settingsUsage,
  run: async ({ args, signal, progress }) => {
    const settings = parseSettings(args);
    progress(`starting ${settings.emulators.join(' and ')}, ${settings.starts} times each`);
    const starts = await measureStarts(settings, signal);
    const measurements = await measureAllLoads(settings, { signal, progress });
    const rows = measurements.flatMap((measurement) => {
      const ofEmulator = starts.get(measurement.target.emulator);
      return ofEmulator === undefined ? [] : [rowOf(measurement, ofEmulator)];
    });
    return { rows, report: reportLines(measurements, starts) } satisfies BenchResult;
  },
};

async function measureAllLoads(
  settings: Settings,
  { signal, progress }: Pick<BenchContext, 'progress' | 'signal'>,
): Promise<readonly Measurement[]> {
  const servers = new Map<EmulatorName, ServerProcess>();
  const targets = targetsOf(settings.emulators);
  const measurements: Measurement[] = [];
  try {
    for (const emulator of settings.emulators) {
      servers.set(emulator, await ServerProcess.start(scriptOf(emulator, settings.profileDirectory), signal));
    }
    for (const shards of settings.shardCounts) {
      measurements.push(...(await measureLoad(targets, shards, { settings, servers, signal, progress })));
    }
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
  // Target by target: the rows that are compared come first.
  return targets.flatMap((target) => measurements.filter((measurement) => measurement.target === target));
}
