export type ServiceName = 'dynamodb' | 'kinesis';

/** A call of the SDK: what a command carries. */
export interface ServiceCall {
  readonly service: ServiceName;
  /** Without `Command`: `UpdateItem`. */
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

const writes = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems', 'BatchWriteItem']);

/** Whether the call may change an item. */
export function isWrite({ operation }: ServiceCall): boolean {
  return writes.has(operation);
}

/** An error as the SDK's clients throw it. */
export function sdkError(name: string, message: string, httpStatusCode: number, members: object = {}): Error {
  return Object.assign(new Error(message), members, {
    name,
    $fault: httpStatusCode >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode, requestId: 'simulated', attempts: 1, totalRetryDelay: 0 },
  });
}

/** As a library throws it that nobody has heard of: neither a status nor a code says what it means. */
export function unknownError(name: string): Error {
  return Object.assign(new Error('other side closed'), { name });
}

/** As Node's sockets report it. */
export function connectionReset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104, syscall: 'read' });
}
