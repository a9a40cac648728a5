import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import type { EmbeddedAws, InProcessHandler } from '@millrace/local';
import { never } from './mortal-clock';
import type { TestTime } from './test-time';

/** SDK clients to the embedded AWS that tell the test's time when a call is under way. */
export interface TestClients {
  readonly kinesis: KinesisClient;
  readonly dynamodb: DynamoDBClient;
}

export interface TestClientParts {
  readonly aws: EmbeddedAws;
  readonly time: TestTime;
  /** Signs the calls, so that faults can be meant for one client. */
  readonly name: string;
  /** Aborts when the client dies: then no call of it reaches AWS, and no answer reaches it. */
  readonly dead: AbortSignal;
}

export function testClients({ aws, time, name, dead }: TestClientParts): TestClients {
  const common = {
    region: 'us-east-1',
    endpoint: 'http://embedded',
    credentials: { accessKeyId: name, secretAccessKey: 'test' },
  };
  const kinesis = new KinesisClient({ ...common, requestHandler: mortal(aws.kinesisHandler(time.onHeld), dead) });
  const dynamodb = new DynamoDBClient({ ...common, requestHandler: mortal(aws.dynamodbHandler(time.onHeld), dead) });
  const middleware = { step: 'initialize', priority: 'high', name: 'millraceTestTime' } as const;
  kinesis.middlewareStack.add((next) => (args) => time.duringAwsCall(() => next(args), dead), middleware);
  dynamodb.middlewareStack.add((next) => (args) => time.duringAwsCall(() => next(args), dead), middleware);
  return { kinesis, dynamodb };
}

function mortal(handler: InProcessHandler, dead: AbortSignal): InProcessHandler {
  return {
    ...handler,
    handle: async (request, options) => {
      if (dead.aborted) await never();
      try {
        return await handler.handle(request, options);
      } finally {
        if (dead.aborted) await never();
      }
    },
  };
}
