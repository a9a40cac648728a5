import { DynamoDbServiceError, type DynamoDbService } from '@millrace/local';
import { compileCondition, compileUpdate, UnknownExpressionError, type Attributes } from './expressions';
import type { VirtualTime } from './virtual-time';

type Members = Readonly<Record<string, unknown>>;

interface WriteInput {
  readonly TableName: string;
  readonly Key?: Attributes;
  readonly Item?: Attributes;
  readonly ConditionExpression?: string;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeValues?: Attributes;
  readonly ReturnValues?: string;
  readonly ReturnValuesOnConditionCheckFailure?: string;
}

/** What a call may carry to be done here. */
const known: Readonly<Record<string, ReadonlySet<string>>> = {
  Scan: new Set(['TableName', 'ConsistentRead', 'ExclusiveStartKey']),
  GetItem: new Set(['TableName', 'ConsistentRead', 'Key']),
  PutItem: new Set(['TableName', 'Item', 'ConditionExpression', 'ReturnValuesOnConditionCheckFailure']),
  DeleteItem: new Set([
    ...['TableName', 'Key', 'ConditionExpression', 'ExpressionAttributeValues', 'ReturnValuesOnConditionCheckFailure'],
  ]),
  UpdateItem: new Set([
    ...['TableName', 'Key', 'ConditionExpression', 'UpdateExpression', 'ExpressionAttributeValues'],
    ...['ReturnValues', 'ReturnValuesOnConditionCheckFailure'],
  ]),
};

/** Calls about the table itself, which is made there: they see no items. */
const aboutTables = new Set(['CreateTable', 'DescribeTable', 'ListTables', 'UpdateContinuousBackups']);

/** Where shapes of calls are tried out on the real thing. */
const scratchTable = 'scratch';

/** Shapes of writes that were compared with the real DynamoDB in this process, with their outcome. */
const compared = new Set<string>();

const conditions = new Map<string, ReturnType<typeof compileCondition>>();
const updates = new Map<string, ReturnType<typeof compileUpdate>>();

/**
 * The lease table, twenty times as fast as the DynamoDB of `@millrace/local` and for few kinds of calls only. Whatever it
 * does not know moves the items over to the real one for good. Every shape of a write (its expressions, and whether they
 * held) is compared with the real one when it is met first: another outcome is thrown as a mistake of the simulation.
 */
export class FastTable {
  readonly #items = new Map<string, Attributes>();
  readonly #history: { readonly atMs: number; readonly key: string; readonly before: Attributes | undefined }[] = [];
  #isMovedOver = false;

  constructor(
    private readonly dynamodb: DynamoDbService,
    private readonly time: VirtualTime,
    private readonly tableName: string,
  ) {}

  /** As {@link DynamoDbService.handle}. */
  handle(operation: string, input: Members, readLagMs: number): Members {
    if (!this.#isMovedOver && !aboutTables.has(operation)) {
      try {
        return this.#handleFast(operation, input, readLagMs);
      } catch (error) {
        if (!(error instanceof UnknownExpressionError)) throw error;
        this.#moveOver();
      }
    }
    return this.dynamodb.handle(operation, { ...input }, { readLagMs });
  }

  /** An item as it is now. */
  item(leaseKey: string): Attributes | undefined {
    const { TableName, Key } = { TableName: this.tableName, Key: { leaseKey: { S: leaseKey } } };
    return this.handle('GetItem', { TableName, Key, ConsistentRead: true }, 0)['Item'] as Attributes | undefined;
  }

  #handleFast(operation: string, input: Members, readLagMs: number): Members {
    if (input['TableName'] !== this.tableName) throw new UnknownExpressionError('another table');
    const isKnown = Object.keys(input).every(
      (name) => input[name] === undefined || known[operation]?.has(name) === true,
    );
    if (!isKnown || input['ExclusiveStartKey'] !== undefined) throw new UnknownExpressionError(operation);
    // The table is made, and is gone, there.
    if (this.#items.size === 0) this.dynamodb.handle('DescribeTable', { TableName: this.tableName });
    if (operation === 'Scan') return this.#scan(input['ConsistentRead'] === true ? 0 : readLagMs);
    if (operation === 'GetItem') {
      const item = this.#items.get(keyOf(input as unknown as WriteInput));
      return item === undefined ? {} : { Item: item };
    }
    return this.#write(operation, input as unknown as WriteInput);
  }

  #scan(lagMs: number): Members {
    const items = new Map(this.#items);
    for (let at = this.#history.length - 1; lagMs > 0 && at >= 0; at--) {
      const change = this.#history[at];
      if (change === undefined || change.atMs <= this.time.nowMs - lagMs) break;
      if (change.before === undefined) items.delete(change.key);
      else items.set(change.key, change.before);
    }
    const Items = [...items.values()];
    return { Items, Count: Items.length, ScannedCount: Items.length };
  }

  #write(operation: string, input: WriteInput): Members {
    const key = keyOf(input);
    const before = this.#items.get(key);
    const values = input.ExpressionAttributeValues ?? {};
    const { ConditionExpression: condition, UpdateExpression: update } = input;
    const holds = condition === undefined || memoized(conditions, condition, compileCondition)(before ?? {}, values);
    const after = holds ? afterWrite(operation, input, before, values, update) : before;
    this.#compare(operation, input, { before, after, holds });
    if (!holds) throw refusal(input, before);
    this.#history.push({ atMs: this.time.nowMs, key, before });
    if (after === undefined) this.#items.delete(key);
    else this.#items.set(key, after);
    return input.ReturnValues === 'ALL_NEW' && after !== undefined ? { Attributes: after } : {};
  }

  #compare(
    operation: string,
    input: WriteInput,
    own: { readonly before: Attributes | undefined; readonly after: Attributes | undefined; readonly holds: boolean },
  ): void {
    const { ConditionExpression, UpdateExpression, ExpressionAttributeValues, ReturnValues } = input;
    const names = Object.keys(ExpressionAttributeValues ?? {}).join();
    const there = own.before === undefined ? 'absent' : 'there';
    const shape = [operation, ConditionExpression, UpdateExpression, names, ReturnValues, own.holds, there].join('|');
    if (compared.has(shape)) return;
    compared.add(shape);
    const { dynamodb } = this;
    if (dynamodb.handle('ListTables', {})['TableNames']?.toString().includes(scratchTable) !== true) {
      dynamodb.handle('CreateTable', {
        TableName: scratchTable,
        AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      });
    }
    const Key = { leaseKey: { S: keyOf(input) } };
    dynamodb.handle('DeleteItem', { TableName: scratchTable, Key });
    if (own.before !== undefined) dynamodb.handle('PutItem', { TableName: scratchTable, Item: own.before });
    let holds = true;
    try {
      dynamodb.handle(operation, { ...input, TableName: scratchTable });
    } catch (error) {
      const isRefusal = error instanceof DynamoDbServiceError && error.name === 'ConditionalCheckFailedException';
      // What DynamoDB finds wrong, it is to say itself.
      if (!isRefusal) throw new UnknownExpressionError(shape, { cause: error });
      holds = false;
    }
    const { Item } = dynamodb.handle('GetItem', { TableName: scratchTable, Key, ConsistentRead: true });
    if (holds === own.holds && inOrder(Item as Attributes | undefined) === inOrder(own.after)) return;
    throw new Error(`the fast table and DynamoDB differ in ${shape}: ${JSON.stringify([own.after, Item])}`);
  }

  #moveOver(): void {
    this.#isMovedOver = true;
    for (const Item of this.#items.values()) this.dynamodb.handle('PutItem', { TableName: this.tableName, Item });
  }
}

function afterWrite(
  operation: string,
  input: WriteInput,
  before: Attributes | undefined,
  values: Attributes,
  update: string | undefined,
): Attributes | undefined {
  if (operation === 'DeleteItem') return undefined;
  if (operation === 'PutItem') return input.Item;
  if (update === undefined) throw new UnknownExpressionError('no update');
  return memoized(updates, update, compileUpdate)(before ?? input.Key ?? {}, values);
}

/** Equal for equal items. */
function inOrder(item: Attributes | undefined): string {
  return JSON.stringify(Object.entries(item ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function keyOf({ Key, Item }: WriteInput): string {
  const key = (Key ?? Item)?.['leaseKey']?.S;
  if (key === undefined) throw new UnknownExpressionError('another key');
  return key;
}

function refusal(input: WriteInput, before: Attributes | undefined): DynamoDbServiceError {
  const error = new DynamoDbServiceError('ConditionalCheckFailedException', 'The conditional request failed');
  const givesOld = input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && before !== undefined;
  return givesOld ? error.with({ Item: before }) : error;
}

function memoized<T>(memory: Map<string, T>, text: string, compile: (text: string) => T): T {
  const found = memory.get(text);
  if (found !== undefined) return found;
  const compiled = compile(text);
  memory.set(text, compiled);
  return compiled;
}
