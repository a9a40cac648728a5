import { startLocalAws, unlimitedRates } from '@millrace/local';
import { endWithParent, failParent, serveParent, type Ready } from '../server-side';

/** Says where DynamoDB is, too; `endpoint` is that of Kinesis. */
export interface AwsReady extends Ready {
  readonly dynamodbEndpoint: string;
}

async function main(): Promise<void> {
  const { kinesisEndpoint, dynamodbEndpoint } = await startLocalAws({ limits: unlimitedRates });
  const ready: AwsReady = { endpoint: kinesisEndpoint, dynamodbEndpoint };
  serveParent(ready);
}

// An interruption at the terminal reaches all processes; the parent sees to it.
process.on('SIGINT', () => undefined);
endWithParent();
main().catch(failParent);
