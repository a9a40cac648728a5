import { DynamoDbServiceError, type DynamoDbService } from '@millrace/local';
import {
  compileCondition,
  compileProjection,
  compileUpdate,
  UnknownExpressionError,
  type Attributes,
} from './expressions';
import { leaseKeyOf, type TableCall } from './table-call';
import { TableComparison } from './table-comparison';
import type { VirtualTime } from './virtual-time';

type Members = Readonly<Record<string, unknown>>;

/** What a call may carry to be done here. */
const known: Readonly<Record<string, ReadonlySet<string>>> = {
  Scan: new Set(['TableName', 'ConsistentRead']),
  GetItem: new Set(['TableName', 'ConsistentRead', 'Key', 'ProjectionExpression']),
  BatchGetItem: new Set(['RequestItems']),
  PutItem: new Set(['TableName', 'Item', 'ConditionExpression', 'ReturnValuesOnConditionCheckFailure']),
  DeleteItem: new Set([
    ...['TableName', 'Key', 'ConditionExpression', 'ExpressionAttributeValues', 'ReturnValuesOnConditionCheckFailure'],
  ]),
  UpdateItem: new Set([
    ...['TableName', 'Key', 'ConditionExpression', 'UpdateExpression', 'ExpressionAttributeValues'],
    ...['ReturnValues', 'ReturnValuesOnConditionCheckFailure'],
  ]),
};

/** How far back a read that is not consistent may look, at most. */
export const maxReadLagMs = 2_000;

/** So many writes are remembered, at least, before the older half of them may be forgotten. */
const forgetAt = 256;

/** Calls about the table itself, which is made there: they see no items. */
const aboutTables = new Set(['CreateTable', 'DescribeTable', 'ListTables', 'UpdateContinuousBackups']);

/** A write without its values. */
interface CompiledWrite {
  readonly condition: ReturnType<typeof compileCondition> | undefined;
  readonly update: ReturnType<typeof compileUpdate> | undefined;
  /** The outcomes that were compared with the real one. */
  readonly compared: Set<string>;
}

/** By condition, and by update. */
const writes = new Map<string, Map<string, CompiledWrite>>();
const projections = new Map<string, ReturnType<typeof compileProjection>>();

/**
 * The lease table, many times as fast as the DynamoDB of `@millrace/local` and for few kinds of calls only. Whatever it does
 * not know moves the items over to the real one for good. Every shape of a call (its expressions, whether they held, and
 * which of the attributes that it adds to were there) is compared with the real one when it is met first.
 */
export class FastTable {
  readonly #items = new Map<string, Attributes>();
  readonly #history: { readonly atMs: number; readonly key: string; readonly before: Attributes | undefined }[] = [];
  readonly #comparison: TableComparison;
  #isMovedOver = false;

  constructor(
    private readonly dynamodb: DynamoDbService,
    private readonly time: VirtualTime,
    private readonly tableName: string,
  ) {
    this.#comparison = new TableComparison(dynamodb);
  }

  /** Something was met that it does not know: all calls go to the real DynamoDB since. */
  get isMovedOver(): boolean {
    return this.#isMovedOver;
  }

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

  /** All items as they are now. */
  items(): readonly Attributes[] {
    if (!this.#isMovedOver) return [...this.#items.values()];
    return this.dynamodb.handle('Scan', { TableName: this.tableName, ConsistentRead: true })['Items'] as Attributes[];
  }

  /** An item as it is now. */
  item(leaseKey: string): Attributes | undefined {
    if (!this.#isMovedOver) return this.#items.get(leaseKey);
    const { TableName, Key } = { TableName: this.tableName, Key: { leaseKey: { S: leaseKey } } };
    return this.dynamodb.handle('GetItem', { TableName, Key, ConsistentRead: true })['Item'] as Attributes | undefined;
  }

  #handleFast(operation: string, members: Members, readLagMs: number): Members {
    const names = known[operation];
    for (const name in members) {
      if (members[name] !== undefined && names?.has(name) !== true) throw new UnknownExpressionError(operation);
    }
    const input = members as TableCall;
    if (tableOf(input) !== this.tableName) throw new UnknownExpressionError('another table');
    // The table is made, and is gone, there.
    if (this.#items.size === 0) this.dynamodb.handle('DescribeTable', { TableName: this.tableName });
    switch (operation) {
      case 'Scan': {
        const Items = [...this.#itemsAsOf(input.ConsistentRead === true ? 0 : readLagMs).values()];
        return { Items, Count: Items.length, ScannedCount: Items.length };
      }
      case 'GetItem':
        return this.#getItem(input, input.ConsistentRead === true ? 0 : readLagMs);
      case 'BatchGetItem':
        return this.#getMany(input, readLagMs);
      default:
        return this.#write(operation, input);
    }
  }

  #itemsAsOf(lagMs: number): ReadonlyMap<string, Attributes> {
    if (lagMs === 0) return this.#items;
    const items = new Map(this.#items);
    for (let at = this.#history.length - 1; at >= 0; at--) {
      const change = this.#history[at];
      if (change === undefined || change.atMs <= this.time.nowMs - lagMs) break;
      if (change.before === undefined) items.delete(change.key);
      else items.set(change.key, change.before);
    }
    return items;
  }

  #getItem(input: TableCall, lagMs: number): Members {
    const { ProjectionExpression: projection } = input;
    const whole = this.#itemsAsOf(lagMs).get(keyOf(input));
    const item =
      whole === undefined || projection === undefined
        ? whole
        : memoized(projections, projection, compileProjection)(whole);
    if (projection !== undefined) {
      const names = item === undefined ? 'absent' : Object.keys(item).join();
      const stored = whole === undefined ? [] : [whole];
      this.#comparison.ofRead(`GetItem ${names}|${projection}`, 'GetItem', input, stored, item);
    }
    return item === undefined ? {} : { Item: item };
  }

  #getMany(input: TableCall, readLagMs: number): Members {
    const { Keys = [], ConsistentRead, ...unknown } = input.RequestItems?.[this.tableName] ?? {};
    if (Object.values(unknown).some((value) => value !== undefined)) throw new UnknownExpressionError('BatchGetItem');
    const items = this.#itemsAsOf(ConsistentRead === true ? 0 : readLagMs);
    const wanted = Keys.map((Key) => keyOf({ Key }));
    const found = wanted.map((key) => items.get(key)).filter((item) => item !== undefined);
    const few = (count: number): string => (count > 2 ? 'many' : `${count}`);
    const shape = `BatchGetItem|${few(wanted.length)}|${few(found.length)}|${new Set(wanted).size === wanted.length}`;
    this.#comparison.ofRead(shape, 'BatchGetItem', input, found, found);
    return { Responses: { [this.tableName]: found }, UnprocessedKeys: {} };
  }

  #write(operation: string, input: TableCall): Members {
    const key = keyOf(input);
    const before = this.#items.get(key);
    const values = input.ExpressionAttributeValues ?? {};
    const write = compiledWriteOf(operation, input);
    const holds = write.condition?.(before ?? {}, values) ?? true;
    const after = holds ? afterWrite(operation, input, write, before, values) : before;
    const outcome = outcomeOf(input, write, holds, before, after);
    if (!write.compared.has(outcome)) {
      const shape = `${operation} ${outcome}|${input.ConditionExpression}|${input.UpdateExpression}`;
      this.#comparison.ofWrite(shape, operation, input, { before, after, holds });
      write.compared.add(outcome);
    }
    if (!holds) throw refusal(input, before);
    this.#remember(key, before);
    if (after === undefined) this.#items.delete(key);
    else this.#items.set(key, after);
    return input.ReturnValues === 'ALL_NEW' && after !== undefined ? { Attributes: after } : {};
  }

  /** For reads that see the past, which does not go back for ever. */
  #remember(key: string, before: Attributes | undefined): void {
    const history = this.#history;
    const middle = history[forgetAt / 2];
    if (history.length >= forgetAt && middle !== undefined && middle.atMs < this.time.nowMs - maxReadLagMs) {
      history.splice(0, forgetAt / 2);
    }
    history.push({ atMs: this.time.nowMs, key, before });
  }

  #moveOver(): void {
    this.#isMovedOver = true;
    for (const Item of this.#items.values()) this.dynamodb.handle('PutItem', { TableName: this.tableName, Item });
  }
}

/** The only table of a call; nothing if there are more. */
function tableOf({ TableName, RequestItems }: TableCall): string | undefined {
  if (RequestItems === undefined) return TableName;
  const tables = Object.keys(RequestItems);
  return tables.length === 1 ? tables[0] : undefined;
}

/** Expressions are long, and looked up once for each write. */
function compiledWriteOf(operation: string, { ConditionExpression, UpdateExpression }: TableCall): CompiledWrite {
  const byUpdate = memoized(writes, ConditionExpression ?? operation, () => new Map<string, CompiledWrite>());
  return memoized(byUpdate, UpdateExpression ?? operation, () => ({
    condition: ConditionExpression === undefined ? undefined : compileCondition(ConditionExpression),
    update: UpdateExpression === undefined ? undefined : compileUpdate(UpdateExpression),
    compared: new Set<string>(),
  }));
}

function afterWrite(
  operation: string,
  input: TableCall,
  { update }: CompiledWrite,
  before: Attributes | undefined,
  values: Attributes,
): Attributes | undefined {
  if (operation === 'DeleteItem') return undefined;
  if (operation === 'PutItem') return input.Item;
  if (update === undefined) throw new UnknownExpressionError('no update');
  return update.apply(before ?? input.Key ?? {}, values);
}

/** Values are not in it: one that is missing is noticed here, and one too many by their number. */
function outcomeOf(
  { ExpressionAttributeValues, ReturnValues }: TableCall,
  { update }: CompiledWrite,
  holds: boolean,
  before: Attributes | undefined,
  after: Attributes | undefined,
): string {
  let count = 0;
  for (const name in ExpressionAttributeValues) if (name !== '') count++;
  let outcome = `${count} ${holds} ${before === undefined} ${ReturnValues}`;
  if (!holds || update === undefined) return outcome;
  for (const name of update.counted) outcome += ` ${before?.[name] !== undefined} ${after?.[name] !== undefined}`;
  return outcome;
}

function keyOf({ Key, Item }: TableCall): string {
  const key = leaseKeyOf(Key ?? Item);
  if (key === undefined) throw new UnknownExpressionError('another key');
  return key;
}

function refusal(input: TableCall, before: Attributes | undefined): DynamoDbServiceError {
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
