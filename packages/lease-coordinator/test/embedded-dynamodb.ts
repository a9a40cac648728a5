import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { embedAws } from '@millrace/local';

/** The embedded DynamoDB, without sockets, and a client to it. */
export function embeddedDynamoDb(): { readonly client: DynamoDBClient; readonly close: () => Promise<void> } {
  const aws = embedAws();
  const client = new DynamoDBClient({
    endpoint: 'http://embedded',
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
    requestHandler: aws.dynamodbHandler(),
  });
  return { client, close: async () => aws.close() };
}
