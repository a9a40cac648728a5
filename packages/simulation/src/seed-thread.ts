import { parentPort } from 'node:worker_threads';
import { installLightAbort } from './light-abort';
import { installLightCommands } from './light-commands';
import { simulate, type SimulationOptions } from './simulation';

/* One thread of many: runs the seeds that it is sent, one after another, and answers with each result. */

installLightAbort();
installLightCommands();
// To note where an error was made takes longer than all else about it. Under `--trace` runs are in another thread.
Error.stackTraceLimit = 0;
parentPort?.on('message', (options: SimulationOptions) => {
  void simulate(options).then((result) => parentPort?.postMessage(result));
});
