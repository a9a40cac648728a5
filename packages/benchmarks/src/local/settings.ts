import { parseArgs } from 'node:util';
import { UsageError } from '../bench';
import { understood } from '../command-line';
import { emulatorNames, type EmulatorName } from './emulators';

export interface Settings {
  readonly emulators: readonly EmulatorName[];
  readonly shardCounts: readonly number[];
  /** How often each figure is taken. */
  readonly runs: number;
  /** How often each emulator is started just to measure that. */
  readonly starts: number;
  /** When a run begins no further call. */
  readonly seconds: number;
  /** Where each server process leaves a processor profile. */
  readonly profileDirectory: string | undefined;
}

export const settingsUsage: readonly string[] = [
  '--emulator name    only this one: local or kinesis-local',
  '--shards 1,4,16    numbers of shards',
  '--runs 3           how often each figure is taken',
  '--starts 5         how often each emulator is started to measure that',
  '--seconds 1        how long a run goes on beginning calls',
  '--profile folder   keep a processor profile of each emulator',
];

/** @throws UsageError */
export function parseSettings(args: readonly string[]): Settings {
  const { values } = understood(() =>
    parseArgs({
      args: [...args],
      options: {
        emulator: { type: 'string' },
        shards: { type: 'string', default: '1,4,16' },
        runs: { type: 'string', default: '3' },
        starts: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '1' },
        profile: { type: 'string' },
      },
    }),
  );
  return {
    emulators: values.emulator === undefined ? emulatorNames : [emulatorNamed(values.emulator)],
    shardCounts: values.shards.split(',').map((count) => wholeNumber('--shards', count)),
    runs: wholeNumber('--runs', values.runs),
    starts: wholeNumber('--starts', values.starts),
    seconds: positive('--seconds', values.seconds),
    profileDirectory: values.profile,
  };
}

function emulatorNamed(text: string): EmulatorName {
  const found = emulatorNames.find((name) => name === text);
  if (found === undefined) throw new UsageError(`--emulator must be one of ${emulatorNames.join(', ')}, not '${text}'`);
  return found;
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new UsageError(`${option} must be 1 to 999, not '${text}'`);
  return Number(text);
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (text === '' || !(value > 0) || value > 60) throw new UsageError(`${option} must be up to 60, not '${text}'`);
  return value;
}
