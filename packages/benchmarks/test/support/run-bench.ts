import { execFile, type ExecFileException } from 'node:child_process';
import { built } from './built';

export interface Ending {
  readonly code: ExecFileException['code'];
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The built program, run to its end.
 *
 * @param args with the name of the bench
 * @param timeLimitMs after that it is told to end: less than jest gives a test that hangs, so that no process stays
 */
export function runBench(args: readonly string[], timeLimitMs: number): Promise<Ending> {
  return new Promise((resolve) => {
    execFile(process.execPath, [built('main.js'), ...args], { timeout: timeLimitMs }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? 0), stdout, stderr }),
    );
  });
}
