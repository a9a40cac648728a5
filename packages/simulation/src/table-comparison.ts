import { DynamoDbServiceError, type DynamoDbService } from '@millrace/local';
import { UnknownExpressionError, type Attributes } from './expressions';
import { leaseKeyOf, type TableCall } from './table-call';

/** Where shapes of calls are tried out on the real thing. */
const TableName = 'scratch';

/** Shapes of calls that were compared with the real DynamoDB in this process, with their outcome. */
const compared = new Set<string>();

/** How a write came out in the fast table. */
export interface WriteOutcome {
  readonly before: Attributes | undefined;
  readonly after: Attributes | undefined;
  readonly holds: boolean;
}

interface BatchAnswer {
  readonly Responses?: Readonly<Record<string, unknown>>;
  readonly UnprocessedKeys?: object;
}

/**
 * Lets the DynamoDB of `@millrace/local` do what the fast table has done, each time when something new is met. A shape is all
 * in which calls differ whose outcomes may differ. What DynamoDB finds wrong is thrown as `UnknownExpressionError`: it is
 * to say so itself; another outcome as a mistake of the simulation.
 */
export class TableComparison {
  constructor(private readonly dynamodb: DynamoDbService) {}

  ofWrite(shape: string, operation: string, input: TableCall, own: WriteOutcome): void {
    if (compared.has(shape)) return;
    compared.add(shape);
    const Key = { leaseKey: { S: leaseKeyOf(input.Key ?? input.Item) ?? '' } };
    this.#clear([Key]);
    if (own.before !== undefined) this.dynamodb.handle('PutItem', { TableName, Item: own.before });
    let holds = true;
    try {
      this.dynamodb.handle(operation, { ...input, TableName });
    } catch (error) {
      const isRefusal = error instanceof DynamoDbServiceError && error.name === 'ConditionalCheckFailedException';
      if (!isRefusal) throw new UnknownExpressionError(shape, { cause: error });
      holds = false;
    }
    const { Item } = this.dynamodb.handle('GetItem', { TableName, Key, ConsistentRead: true });
    assertSame(shape, [own.holds, own.after], [holds, Item]);
  }

  /** @param stored the items that are there of those that are asked for, and what of them was found here */
  ofRead(shape: string, operation: string, input: TableCall, stored: readonly Attributes[], found?: object): void {
    if (compared.has(shape)) return;
    compared.add(shape);
    const { RequestItems, ...rest } = input;
    const requests = Object.values(RequestItems ?? {});
    this.#clear([...(input.Key === undefined ? [] : [input.Key]), ...requests.flatMap(({ Keys }) => Keys ?? [])]);
    for (const Item of stored) this.dynamodb.handle('PutItem', { TableName, Item });
    const there = RequestItems === undefined ? { TableName } : { RequestItems: { [TableName]: requests[0] } };
    let answer: Readonly<Record<string, unknown>>;
    try {
      answer = this.dynamodb.handle(operation, { ...rest, ...there });
    } catch (error) {
      throw new UnknownExpressionError(shape, { cause: error });
    }
    const { Responses, UnprocessedKeys = {} } = answer as BatchAnswer;
    const wanted = Responses === undefined ? found : { found, UnprocessedKeys: {} };
    const given = Responses === undefined ? answer['Item'] : { found: Responses[TableName], UnprocessedKeys };
    assertSame(shape, wanted, given);
  }

  #clear(keys: readonly Attributes[]): void {
    const { dynamodb } = this;
    if (dynamodb.handle('ListTables', {})['TableNames']?.toString().includes(TableName) !== true) {
      dynamodb.handle('CreateTable', {
        TableName,
        AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      });
    }
    for (const Key of keys) dynamodb.handle('DeleteItem', { TableName, Key });
  }
}

function assertSame(shape: string, own: unknown, there: unknown): void {
  const [mine, theirs] = [own, there].map((each) => JSON.stringify(inOrder(each)));
  if (mine !== theirs) throw new Error(`the fast table and DynamoDB differ in ${shape}: ${mine}, ${theirs}`);
}

/** Equal for equal items and sets: neither members nor attributes have an order. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((each) => JSON.stringify(inOrder(each))).sort((a, b) => (a < b ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, inner]) => [name, inOrder(inner)]),
  );
}
