import { parentPort } from 'node:worker_threads';
import { installLightAbort } from './light-abort';
import { simulate, type SimulationOptions } from './simulation';

/* One thread of many: runs the seeds that it is sent, one after another, and answers with each result. */

installLightAbort();
parentPort?.on('message', (options: SimulationOptions) => {
  void simulate(options).then((result) => parentPort?.postMessage(result));
});
