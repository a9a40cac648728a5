import { Kinesis } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Target } from '../target';
import { startKinesisLocal } from './kinesis-local-worker';
import { SharedService } from './shared-service';

/** Calls until its code is compiled: the first ones take so long that a stream is ACTIVE before it is seen CREATING. */
const warmUpCalls = 60;

/**
 * The independent emulator `kinesis-local`. Two things are its own: the HTTP/1.1 handler, because the SDK's default client fails
 * against it with protocol errors (its HTTP/2 is broken for clients that open a connection per call), and an account by its
 * number, which is what it takes an access key for.
 */
export async function kinesisLocalTarget(): Promise<Target> {
  const emulator = await startKinesisLocal();
  const accountOf = (accessKeyId: string): SharedService =>
    new SharedService(
      () =>
        new Kinesis({
          endpoint: emulator.endpoint,
          region: 'us-east-1',
          credentials: { accessKeyId, secretAccessKey: 'local' },
          maxAttempts: 1,
          requestHandler: new NodeHttpHandler(),
        }),
    );
  let accounts = 0;
  const newAccount = (): SharedService => accountOf(String(++accounts).padStart(12, '0'));
  const free: SharedService[] = [];
  await warmUp(newAccount());
  return {
    name: 'kinesis-local',
    offers: new Set(['costly', 'megabytes', 'own-account', 'states']),
    concurrency: 10,
    // Five streams of all accounts together can be CREATING, and not for long.
    alone: new Set(['megabytes', 'own-account', 'states']),
    caseTimeMs: 25_000,
    open: async (needs) => {
      if (needs.includes('own-account')) return newAccount().sessionWithoutDeleting();
      const account = free.pop() ?? newAccount();
      const session = account.sessionWithoutDeleting();
      return {
        ...session,
        close: async (streamNames) => {
          await session.close(streamNames);
          free.push(account);
        },
      };
    },
    close: async () => {
      await emulator.stop();
      return [];
    },
  };
}

async function warmUp(account: SharedService): Promise<void> {
  const session = account.sessionWithoutDeleting();
  await session.kinesis.createStream({ StreamName: session.newStreamName(), ShardCount: 1 });
  for (let call = 0; call < warmUpCalls; call++) await session.kinesis.listStreams({});
  await session.close([]);
}
