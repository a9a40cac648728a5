import { Kinesis } from '@aws-sdk/client-kinesis';
import { systemClock } from '@millrace/core';
import { ManualClock } from '@millrace/core/testing';
import { startLocalAws } from '@millrace/local';
import { newStreamName, SharedStream } from '../stream-names';
import type { Session, Target } from '../target';

/** By its clock. */
const streamTransitionMs = 5000;

/**
 * The emulator of this repository. Every session starts one of its own, with its own clock and account, so that the cases cannot
 * disturb each other. Its time stands still until a case lets some pass, so that no rate and no state depends on how fast the
 * machine is. The client is the SDK's default one, given nothing but an endpoint.
 */
export function localTarget(): Target {
  return {
    name: 'local',
    offers: new Set(['clock', 'costly', 'megabytes', 'own-account', 'states', 'volume']),
    concurrency: 4,
    alone: new Set(),
    caseTimeMs: 30_000,
    open: openSession,
    close: async () => [],
  };
}

async function openSession(): Promise<Session> {
  const clock = new ManualClock({ wallTimeMs: systemClock.wallTime() });
  const aws = await startLocalAws({ clock, streamTransitionMs });
  const kinesis = new Kinesis({
    endpoint: aws.kinesisEndpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
  return {
    kinesis,
    advance: (ms) => aws.advance(ms),
    rest: async (ms) => aws.advance(ms),
    newStreamName,
    sharedStream: new SharedStream(),
    close: async () => {
      kinesis.destroy();
      await aws.close();
    },
  };
}
