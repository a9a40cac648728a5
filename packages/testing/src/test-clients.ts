import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import type { EmbeddedAws } from '@millrace/local';
import type { TestTime } from './test-time';

/** SDK clients to the embedded AWS that tell the test's time when a call is under way. */
export interface TestClients {
  readonly kinesis: KinesisClient;
  readonly dynamodb: DynamoDBClient;
}

/** The name signs the calls, so that faults can be meant for one client. */
export function testClients(aws: EmbeddedAws, time: TestTime, name: string): TestClients {
  const common = {
    region: 'us-east-1',
    endpoint: 'http://embedded',
    credentials: { accessKeyId: name, secretAccessKey: 'test' },
  };
  const kinesis = new KinesisClient({ ...common, requestHandler: aws.kinesisHandler(time.onHeld) });
  const dynamodb = new DynamoDBClient({ ...common, requestHandler: aws.dynamodbHandler(time.onHeld) });
  const middleware = { step: 'initialize', priority: 'high', name: 'millraceTestTime' } as const;
  kinesis.middlewareStack.add((next) => (args) => time.duringCall(() => next(args)), middleware);
  dynamodb.middlewareStack.add((next) => (args) => time.duringCall(() => next(args)), middleware);
  return { kinesis, dynamodb };
}
