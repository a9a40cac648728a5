import type { ServiceCall } from '../src';

/** Changes calls right before they take effect, as if the code that made them had been written otherwise. */
export type Tamper = (call: ServiceCall) => ServiceCall;

type Write = 'renew' | 'checkpoint' | 'take' | 'adopt' | 'request' | 'complete' | 'release';

/** Which of the lease writes a call is; going by what it sets. */
function writeOf({ operation, input }: ServiceCall): Write | undefined {
  if (operation !== 'UpdateItem') return undefined;
  const update = String(input['UpdateExpression']);
  if (update.includes('millraceFailoverMs =')) return update.startsWith('SET leaseOwner') ? 'take' : 'adopt';
  if (update.includes('checkpoint =')) return 'checkpoint';
  if (update.includes('millraceReceiver =')) return 'request';
  if (update.includes('millraceHandedOver =')) return 'complete';
  if (update.includes('REMOVE leaseOwner')) return 'release';
  return 'renew';
}

/** The call with another condition; its values must all be used, or DynamoDB refuses it. */
function conditioned(call: ServiceCall, change: (condition: string) => string | undefined): ServiceCall {
  const { ConditionExpression, ExpressionAttributeValues, ...rest } = call.input;
  const condition = change(String(ConditionExpression));
  const expressions = `${condition ?? ''} ${String(rest['UpdateExpression'])}`;
  const values = Object.entries(ExpressionAttributeValues as object).filter(([name]) =>
    new RegExp(`${name}\\b`).test(expressions),
  );
  const input = {
    ...rest,
    ...(condition !== undefined && { ConditionExpression: condition }),
    ExpressionAttributeValues: Object.fromEntries(values),
  };
  return { ...call, input };
}

export function withoutCondition(...writes: readonly Write[]): Tamper {
  return (call) => {
    const write = writeOf(call);
    return write !== undefined && writes.includes(write) ? conditioned(call, () => undefined) : call;
  };
}

const counterCondition = '(leaseCounter = :counter)';

/** Whoever the row names may be anybody. */
export function counterOnly(...writes: readonly Write[]): Tamper {
  return (call) => {
    const write = writeOf(call);
    const applies = write !== undefined && writes.includes(write);
    return applies ? conditioned(call, () => counterCondition.slice(1, -1)) : call;
  };
}

/** However often somebody has written in between. */
export function withoutCounter(...writes: readonly Write[]): Tamper {
  return (call) => {
    const write = writeOf(call);
    if (write === undefined || !writes.includes(write)) return call;
    return conditioned(call, (condition) => {
      const rest = condition.replace(`${counterCondition} AND `, '').replace('leaseCounter = :counter', '');
      return rest === '' ? undefined : rest.replace(/^\((.*)\)$/, '$1');
    });
  };
}

/** A write that leaves the counter alone, so that others think its writer dead. */
export function countingNothing(...writes: readonly Write[]): Tamper {
  return (call) => {
    const write = writeOf(call);
    if (write === undefined || !writes.includes(write)) return call;
    const values = call.input['ExpressionAttributeValues'] as Readonly<Record<string, unknown>>;
    return { ...call, input: { ...call.input, ExpressionAttributeValues: { ...values, ':one': { N: '0' } } } };
  };
}

/** A shard end that is stored as any record would be: too early by one record, or what else is made of a checkpoint. */
export function checkpointingInstead(checkpoint: string): Tamper {
  return (call) => {
    if (writeOf(call) !== 'checkpoint') return call;
    const values = call.input['ExpressionAttributeValues'] as Readonly<Record<string, { readonly S?: string }>>;
    if (values[':checkpoint']?.S === 'SHARD_END') return call;
    const changed = { ...values, ':checkpoint': { S: checkpoint } };
    return { ...call, input: { ...call.input, ExpressionAttributeValues: changed } };
  };
}

/** Reads of a shard that leave out the first record, or give children before their parents are through. */
export function readingFrom(type: 'AFTER_SEQUENCE_NUMBER' | 'LATEST' | 'TRIM_HORIZON'): Tamper {
  return (call) => {
    if (call.operation !== 'GetShardIterator' || call.input['ShardIteratorType'] !== 'AT_SEQUENCE_NUMBER') return call;
    const { StartingSequenceNumber, ...rest } = call.input;
    const position = type === 'AFTER_SEQUENCE_NUMBER' ? { StartingSequenceNumber } : {};
    return { ...call, input: { ...rest, ...position, ShardIteratorType: type } };
  };
}

/** Child rows that do not name their parents: nobody waits for these. */
export const orphaning: Tamper = (call) => {
  if (call.operation !== 'PutItem') return call;
  const { parentShardId, ...item } = call.input['Item'] as Readonly<Record<string, unknown>>;
  return parentShardId === undefined ? call : { ...call, input: { ...call.input, Item: item } };
};
