import { ServerProcess } from '../server-process';
import { spreadOf, type Spread } from '../statistics';
import { scriptOf, type EmulatorName } from './emulators';
import type { Settings } from './settings';

/** All in milliseconds. */
export interface Starts {
  /** From making the process to hearing of its first answer. */
  readonly spawnMs: Spread;
  /** Loading the modules, where that can be told apart. */
  readonly loadMs: Spread | undefined;
  /** From there to the first answer; of what cannot be loaded without starting it, all of the time. */
  readonly startMs: Spread;
}

/** Starts each emulator several times, in turns, each time in a fresh process. */
export async function measureStarts(
  { emulators, starts }: Settings,
  signal: AbortSignal,
): Promise<ReadonlyMap<EmulatorName, Starts>> {
  const samples = new Map<EmulatorName, ServerProcess[]>(emulators.map((emulator) => [emulator, []]));
  for (let round = 0; round < starts; round++) {
    for (const [emulator, processes] of samples) {
      const server = await ServerProcess.start(scriptOf(emulator), signal);
      await server.stop();
      processes.push(server);
    }
  }
  return new Map([...samples].map(([emulator, processes]) => [emulator, startsOf(processes)]));
}

function startsOf(processes: readonly ServerProcess[]): Starts {
  const spawnMs = spreadOf(processes.map((server) => server.spawnMs));
  const loads = processes.flatMap(({ ready }) => ready.loadMs ?? []);
  const starts = processes.flatMap(({ ready }) => ready.startMs ?? []);
  return {
    spawnMs,
    loadMs: loads.length === 0 ? undefined : spreadOf(loads),
    startMs: starts.length === 0 ? spawnMs : spreadOf(starts),
  };
}
