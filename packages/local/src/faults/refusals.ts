import type { Call, Refusal } from '../service/service';
import type { FaultRule } from './fault-rule';

/** The operations of Kinesis whose limit is a shard's capacity; the others' is a rate of calls. */
const kinesisDataOperations = ['PutRecord', 'PutRecords', 'GetRecords', 'GetShardIterator'];

/** The operations of DynamoDB that change tables rather than items. */
const dynamodbTableOperations = ['CreateTable', 'UpdateTable', 'DeleteTable'];

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

function throttleName({ service, operation = '' }: Call): string {
  const isData =
    service === 'kinesis' ? kinesisDataOperations.includes(operation) : !dynamodbTableOperations.includes(operation);
  return isData ? 'ProvisionedThroughputExceededException' : 'LimitExceededException';
}

function serverErrorName({ service }: Call, statusCode: 500 | 503): string {
  if (statusCode === 503) return 'ServiceUnavailable';
  return service === 'kinesis' ? 'InternalFailure' : 'InternalServerError';
}
