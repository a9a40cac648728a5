import { createRequire } from 'node:module';
import type * as Local from '@millrace/local';
import { endWithParent, failParent, serveParent } from '../server-side';
import { firstAnswer } from './first-answer';

/** `@millrace/local` in a process of its own. Nothing of it is loaded before the time is taken. */
async function main(): Promise<void> {
  const beganAtMs = performance.now();
  const { startLocalAws, unlimitedRates } = createRequire(__filename)('@millrace/local') as typeof Local;
  const loadedAtMs = performance.now();
  const aws = await startLocalAws({ limits: unlimitedRates });
  await firstAnswer([Number(new URL(aws.kinesisEndpoint).port)]);
  serveParent({
    endpoint: aws.kinesisEndpoint,
    loadMs: loadedAtMs - beganAtMs,
    startMs: performance.now() - loadedAtMs,
  });
}

endWithParent();
main().catch(failParent);
