import {
  CreateTableCommand,
  DynamoDBClient,
  type AttributeValue,
  type CreateTableCommandInput,
} from '@aws-sdk/client-dynamodb';
import { ManualClock } from '@millrace/core/testing';
import { DynamoDbService } from '../../src/dynamodb/dynamodb-service';
import type { AnswerOptions, ServiceReply, ServiceRequest } from '../../src/service/service';

/** What the SDK hands to a request handler, as far as it matters here. */
interface SdkRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

type Answer = (request: ServiceRequest) => ServiceReply | Promise<ServiceReply>;

/** A client whose requests are answered by a function instead of a network. */
export function clientOf(answer: Answer): DynamoDBClient {
  const handle = async ({ method, path, headers, body }: SdkRequest): Promise<{ response: object }> => {
    const lowerCase = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const bytes = typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array());
    const reply = await answer({ method, path, headers: lowerCase, body: bytes });
    return { response: { ...reply, body: typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body } };
  };
  return new DynamoDBClient({
    endpoint: 'http://in-process',
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'local' },
    maxAttempts: 1,
    requestHandler: { handle, metadata: { handlerProtocol: 'http/1.1' } } as never,
  });
}

export interface Fixture {
  readonly clock: ManualClock;
  readonly service: DynamoDbService;
  readonly client: DynamoDBClient;
  /** A client whose calls are answered with these options. */
  readonly clientWith: (options: AnswerOptions) => DynamoDBClient;
}

export function fixture({ tableTransitionMs = 0, greatestReadLagMs = 0 } = {}): Fixture {
  const clock = new ManualClock();
  const service = new DynamoDbService({ clock, tableTransitionMs, greatestReadLagMs: () => greatestReadLagMs });
  const clientWith = (options: AnswerOptions): DynamoDBClient =>
    clientOf((request) => service.answer(request, options));
  return { clock, service, client: clientOf((request) => service.answer(request)), clientWith };
}

export const TableName = 'leases';

/** A lease table as the KCL makes it: on demand, with one hash key. */
export const leaseTable: CreateTableCommandInput = {
  TableName,
  BillingMode: 'PAY_PER_REQUEST',
  KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
  AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
};

export async function withLeaseTable(options: Parameters<typeof fixture>[0] = {}): Promise<Fixture> {
  const made = fixture(options);
  await made.client.send(new CreateTableCommand(leaseTable));
  await made.clock.advance(options.tableTransitionMs ?? 0);
  return made;
}

export function lease(leaseKey: string, more: Record<string, AttributeValue> = {}): Record<string, AttributeValue> {
  return { leaseKey: { S: leaseKey }, ...more };
}

const signature = 'AWS4-HMAC-SHA256 Credential=AKIDRAW/20240101/us-east-1/dynamodb/aws4_request, Signature=0';

/** A request that no SDK would send, perhaps. */
export function rawRequest(
  target: string | undefined,
  body: unknown = {},
  headers: Record<string, string | undefined> = {},
): ServiceRequest {
  return {
    method: 'POST',
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      authorization: signature,
      'x-amz-target': target === undefined ? undefined : `DynamoDB_20120810.${target}`,
      ...headers,
    },
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  };
}
