import { Agent } from 'node:http';
import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** As many as a worker has. */
const maxSockets = 50;
const connectionTimeout = 5_000;

/** For the configuration of any client. */
export function accessTo(endpoint: string): Pick<DynamoDBClientConfig, 'credentials' | 'region'> & {
  readonly endpoint: string;
} {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } };
}

/** The SDK's, as bare loops have it; its limits are those of a worker's own handler. */
export function pooledHandler(): NodeHttpHandler {
  return new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true, maxSockets }), connectionTimeout });
}

export function bareDynamoDb(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({ ...accessTo(endpoint), maxAttempts: 1, requestHandler: pooledHandler() });
}
