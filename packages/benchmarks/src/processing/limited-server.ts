import { startLocalAws } from '@millrace/local';
import type { AwsReady } from '../coordination/aws-server';
import { settingsFromParent } from '../coordination/messages';
import { endWithParent, failParent, serveParent } from '../server-side';
import type { LimitedSettings } from './messages';

/** `@millrace/local` with the limits of AWS, and a stream. */
async function main({ streamName: name, shards: shardCount }: LimitedSettings): Promise<void> {
  const { kinesisEndpoint, dynamodbEndpoint } = await startLocalAws({ streams: [{ name, shardCount }] });
  const ready: AwsReady = { endpoint: kinesisEndpoint, dynamodbEndpoint };
  serveParent(ready);
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
main(settingsFromParent() as LimitedSettings).catch(failParent);
