import { join } from 'node:path';
import type { ServerScript } from '../server-process';

export const emulatorNames = ['local', 'kinesis-local'] as const;
export type EmulatorName = (typeof emulatorNames)[number];

/** `http1`: connections that are kept and used again. `default`: what the SDK does if it is told nothing but an endpoint. */
export type ClientName = 'default' | 'http1';

/** What one row of the result is about, but for the number of shards. */
export interface Target {
  readonly emulator: EmulatorName;
  readonly client: ClientName;
}

/** kinesis-local can't talk to the default client: its HTTP/2 answers most calls with "Protocol error". */
export function targetsOf(emulators: readonly EmulatorName[]): readonly Target[] {
  return [
    ...emulators.map((emulator) => ({ emulator, client: 'http1' as const })),
    ...emulators
      .filter((emulator) => emulator === 'local')
      .map((emulator) => ({ emulator, client: 'default' as const })),
  ];
}

/** @param profileDirectory where each server process leaves a processor profile when it ends, if anywhere */
export function scriptOf(emulator: EmulatorName, profileDirectory?: string): ServerScript {
  return {
    path: join(__dirname, `${emulator}-server.js`),
    nodeArguments: profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`],
  };
}
