import { Agent } from 'node:http';
import { Kinesis } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { ClientName } from './emulators';

/** More than there are calls at the same time in any phase. */
const maxSockets = 50;

/** A client of the SDK that does not repeat what fails: a failure ends the bench, and is not hidden in a slower figure. */
export function kinesisClient(name: ClientName, endpoint: string): Kinesis {
  return new Kinesis({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
    maxAttempts: 1,
    ...(name === 'http1' && {
      requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true, maxSockets }) }),
    }),
  });
}
