import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ServiceReply, ServiceRequest } from '../service/service';
import { isJsonObject, type JsonObject } from './json';
import { DynamoDbServiceError } from './service-error';

const jsonType = 'application/x-amz-json-1.0';
/** The older version of the API has the same operations, as far as dynalite and old clients are concerned. */
const targetPattern = /^DynamoDB_(?:20120810|20111205)\.(\w+)$/;

/** The largest request of DynamoDB, a BatchWriteItem. */
export const maxRequestBytes = 16 * 1024 * 1024;

/** Without the prefix of the target: `PutItem`. */
export function operationOf({ headers }: ServiceRequest): string | undefined {
  return targetPattern.exec(headers['x-amz-target'] ?? '')?.[1];
}

/** The body's members; nothing if it isn't the JSON of a structure. */
export function membersOf({ body }: ServiceRequest): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The table that a request is about, if it is about one and says so in any of the ways there are. */
export function tableNameOf(input: JsonObject): string | undefined {
  const { TableName, ResourceArn, RequestItems } = input;
  const tables = isJsonObject(RequestItems) ? Object.keys(RequestItems) : [];
  const named = TableName ?? ResourceArn ?? (tables.length === 1 ? tables[0] : undefined);
  return typeof named === 'string' ? nameOfArn(named) : undefined;
}

/** A table may be named by its ARN wherever it is by its name. */
export function nameOfArn(nameOrArn: string): string {
  return /^arn:[^/]*:table\/([^/]+)/.exec(nameOrArn)?.[1] ?? nameOrArn;
}

/** @throws DynamoDbServiceError if nobody has signed the request */
export function assertSigned({ headers, path }: ServiceRequest): void {
  // Presigned requests have it in the query. Whether the signature is right is not its business: see `SignedService`.
  if (headers['authorization']?.startsWith('AWS4-') === true || path.includes('X-Amz-Algorithm=')) return;
  throw new DynamoDbServiceError('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
}

/** What AWS answers to something that is no call in JSON: a browser, a health check, another protocol. */
export function replyToOthers({ method, headers, body }: ServiceRequest): Omit<ServiceReply, 'headers'> | undefined {
  if (method === 'GET') return { statusCode: 200, body: 'healthy: dynamodb.us-east-1.amazonaws.com ' };
  const type = contentTypeOf(headers['content-type']);
  const isJson = body.length === 0 || type === jsonType || type === 'application/json';
  return method === 'POST' && isJson ? undefined : { statusCode: 404, body: '<UnknownOperationException/>\n' };
}

export function toReply(request: ServiceRequest, statusCode: number, body: JsonObject, dateMs: number): ServiceReply {
  const type = contentTypeOf(request.headers['content-type']);
  return toPlainReply(
    { statusCode, body: textOf(body) },
    { 'content-type': type === jsonType ? type : 'application/json', ...commonHeaders(dateMs) },
  );
}

/** Items never change. Of a table that is read again and again most of them are those that were there the last time. */
const textOfItem = new WeakMap<object, string>();

/** The body as JSON. */
function textOf(body: JsonObject): string {
  const { Items: items, ...others } = body;
  if (!Array.isArray(items)) return JSON.stringify(body);
  const list = (items as readonly object[]).map((item) => {
    let text = textOfItem.get(item);
    if (text === undefined) {
      text = JSON.stringify(item);
      textOfItem.set(item, text);
    }
    return text;
  });
  const rest = JSON.stringify(others);
  return `{"Items":[${list.join(',')}]${rest === '{}' ? '}' : `,${rest.slice(1)}`}`;
}

export function toPlainReply(
  { statusCode, body }: Omit<ServiceReply, 'headers'>,
  headers: Readonly<Record<string, string>>,
): ServiceReply {
  return { statusCode, headers: { ...headers, 'x-amz-crc32': String(crc32(body)) }, body };
}

export function commonHeaders(dateMs: number): Readonly<Record<string, string>> {
  return { date: new Date(dateMs).toUTCString(), 'x-amzn-requestid': randomBytes(26).toString('hex').toUpperCase() };
}

function contentTypeOf(header = ''): string {
  return header.split(';', 1)[0]?.trim() ?? '';
}
