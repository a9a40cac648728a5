import type { Attributes } from './expressions';

/** What calls to the lease table carry. */
export interface TableCall {
  readonly TableName?: string;
  readonly Key?: Attributes;
  readonly Item?: Attributes;
  readonly ConsistentRead?: boolean;
  readonly ProjectionExpression?: string;
  readonly ConditionExpression?: string;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeValues?: Attributes;
  readonly ReturnValues?: string;
  readonly ReturnValuesOnConditionCheckFailure?: string;
  /** Of BatchGetItem, by the name of the table. */
  readonly RequestItems?: Readonly<Record<string, BatchRequest>>;
}

export interface BatchRequest {
  readonly Keys?: readonly Attributes[];
  readonly ConsistentRead?: boolean;
}

/** The row that a call is about, if it is about one. */
export function rowKeyOf(input: object): string | undefined {
  const { Key, Item } = input as TableCall;
  return leaseKeyOf(Key ?? Item);
}

/** The key of an item, whole or alone. */
export function leaseKeyOf(item: Attributes | undefined): string | undefined {
  return item?.['leaseKey']?.S;
}
