import type { Spread } from '../statistics';
import { textTable } from '../text-table';
import type { EmulatorName } from './emulators';
import { recordBytes } from './load';
import type { Measurement } from './measure-load';
import type { Starts } from './measure-starts';

/** What people read: every figure with its extremes, then how the two compare. */
export function reportLines(
  measurements: readonly Measurement[],
  starts: ReadonlyMap<EmulatorName, Starts>,
): readonly string[] {
  return [
    'Median (least–most) of the runs. 1 MB = 10^6 bytes of record data, 1 record = 1000 bytes of data.',
    '',
    ...ratesTable(measurements),
    '',
    'Processor time of the emulator itself, in ms for 1000 records or calls:',
    '',
    ...costTable(measurements),
    '',
    'From nothing to the first answer, in ms:',
    '',
    ...startsTable(starts),
    ...ratioLines(measurements, starts),
  ];
}

function ratesTable(measurements: readonly Measurement[]): readonly string[] {
  const megabytes = (records: number): string => ((records * recordBytes) / 1e6).toFixed(1);
  return textTable(
    ['emulator', 'client', 'shards', 'records/s in', 'MB/s in', 'records/s out', 'MB/s out', 'idle calls/s'],
    measurements.map(({ target, shards, figures }) => [
      target.emulator,
      target.client,
      String(shards),
      shown(figures.in.perSecond, whole),
      shown(figures.in.perSecond, megabytes),
      shown(figures.out.perSecond, whole),
      shown(figures.out.perSecond, megabytes),
      shown(figures.calls.perSecond, whole),
    ]),
    2,
  );
}

function costTable(measurements: readonly Measurement[]): readonly string[] {
  return textTable(
    ['emulator', 'client', 'shards', 'records in', 'records out', 'idle calls'],
    measurements.map(({ target, shards, figures }) => [
      target.emulator,
      target.client,
      String(shards),
      shown(figures.in.cpuMsPerThousand, tenths),
      shown(figures.out.cpuMsPerThousand, tenths),
      shown(figures.calls.cpuMsPerThousand, tenths),
    ]),
    2,
  );
}

function startsTable(starts: ReadonlyMap<EmulatorName, Starts>): readonly string[] {
  return textTable(
    ['emulator', 'whole process', 'loading modules', 'starting'],
    [...starts].map(([emulator, { spawnMs, loadMs, startMs }]) => [
      emulator,
      shown(spawnMs, whole),
      ...(loadMs === undefined ? ['', ''] : [shown(loadMs, whole), shown(startMs, whole)]),
    ]),
    1,
  );
}

/** How many times as fast `local` is, with the same client. Nothing if only one was measured. */
function ratioLines(
  measurements: readonly Measurement[],
  starts: ReadonlyMap<EmulatorName, Starts>,
): readonly string[] {
  const comparable = measurements.filter(({ target }) => target.client === 'http1');
  const pairs = comparable
    .filter(({ target }) => target.emulator === 'local')
    .flatMap((local) =>
      comparable
        .filter(({ target, shards }) => target.emulator === 'kinesis-local' && shards === local.shards)
        .map((other) => ({ local: local.figures, other: other.figures, shards: local.shards })),
    );
  const [ours, theirs] = [starts.get('local'), starts.get('kinesis-local')];
  if (pairs.length === 0 || ours === undefined || theirs === undefined) return [];
  const times = (a: Spread, b: Spread): string => `${(a.median / b.median).toFixed(1)} x`;
  return [
    '',
    'local / kinesis-local, medians:',
    '',
    ...textTable(
      ['shards', 'records/s in', 'MB/s out', 'idle calls/s'],
      pairs.map(({ local, other, shards }) => [
        String(shards),
        times(local.in.perSecond, other.in.perSecond),
        times(local.out.perSecond, other.out.perSecond),
        times(local.calls.perSecond, other.calls.perSecond),
      ]),
      0,
    ),
    '',
    `Whole process to its first answer: ${times(theirs.spawnMs, ours.spawnMs)} as quick.`,
  ];
}

function shown({ median, min, max }: Spread, format: (value: number) => string): string {
  return `${format(median)} (${format(min)}–${format(max)})`;
}

function whole(value: number): string {
  return String(Math.round(value));
}

function tenths(value: number): string {
  return value.toFixed(1);
}
