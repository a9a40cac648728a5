import type { Call, Refusal } from '../service/service';
import type { FaultRule } from './fault-rule';

/** The operations of Kinesis whose limit is a shard's capacity; the others' is a rate of calls. */
const kinesisDataOperations = ['PutRecord', 'PutRecords', 'GetRecords', 'GetShardIterator'];

/** The operations of DynamoDB that use a table's capacity; the others are the control plane. */
const dynamodbDataOperations = [
  ...['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query', 'Scan', 'BatchGetItem', 'BatchWriteItem'],
  ...['TransactGetItems', 'TransactWriteItems', 'ExecuteStatement', 'BatchExecuteStatement', 'ExecuteTransaction'],
];

/** The refusal that a rule has for a call that it meets, by the names that the service documents. */
export function refusalOf(rule: FaultRule, call: Call): Refusal | undefined {
  switch (rule.kind) {
    case 'throttle':
      return {
        errorName: rule.errorName ?? throttleName(call),
        statusCode: 400,
        message: `Rate exceeded (a fault on demand) for ${call.operation ?? 'the call'}`,
      };
    case 'server-error': {
      const { statusCode = 500 } = rule;
      return { errorName: serverErrorName(call, statusCode), statusCode, message: 'A fault on demand' };
    }
    case 'expired-iterator':
      return {
        errorName: 'ExpiredIteratorException',
        statusCode: 400,
        message: 'Iterator expired (a fault on demand).',
      };
    default:
      return undefined;
  }
}

/**
 * By the API reference of Kinesis, and for DynamoDB by "Error handling with DynamoDB" in its developer guide:
 * ThrottlingException if control plane operations come too rapidly. LimitExceededException is another thing there, too
 * many tables being made at the same time.
 */
function throttleName({ service, operation = '' }: Call): string {
  const dataOperations = service === 'kinesis' ? kinesisDataOperations : dynamodbDataOperations;
  if (dataOperations.includes(operation)) return 'ProvisionedThroughputExceededException';
  return service === 'kinesis' ? 'LimitExceededException' : 'ThrottlingException';
}

function serverErrorName({ service }: Call, statusCode: 500 | 503): string {
  if (statusCode === 503) return 'ServiceUnavailable';
  return service === 'kinesis' ? 'InternalFailure' : 'InternalServerError';
}
