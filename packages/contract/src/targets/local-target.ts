import { Kinesis } from '@aws-sdk/client-kinesis';
import { startLocalAws } from '@millrace/local';
import { newStreamName, SharedStream } from '../stream-names';
import type { Session, Target } from '../target';
import { ShiftedClock } from './shifted-clock';

/** By its clock. Long enough that nobody misses a state between two calls, however slow the machine. */
const streamTransitionMs = 5000;

/**
 * The emulator of this repository. Every session starts one of its own, with its own clock and account, so that the cases cannot
 * disturb each other. The client is the SDK's default one, given nothing but an endpoint.
 */
export function localTarget(): Target {
  return {
    name: 'local',
    offers: new Set(['clock', 'costly', 'megabytes', 'own-account', 'states', 'volume']),
    concurrency: 4,
    alone: new Set(),
    caseTimeMs: 30_000,
    open: openSession,
    close: async () => undefined,
  };
}

async function openSession(): Promise<Session> {
  const clock = new ShiftedClock();
  const aws = await startLocalAws({ clock, streamTransitionMs });
  const kinesis = new Kinesis({
    endpoint: aws.kinesisEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
  const shared = new SharedStream();
  return {
    kinesis,
    advance: (ms) => clock.advance(ms),
    sleep: (ms) => clock.sleep(ms),
    newStreamName,
    sharedStream: () => shared.ask(),
    close: async () => {
      kinesis.destroy();
      await aws.close();
    },
  };
}
