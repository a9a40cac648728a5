import { itemRules } from './dynalite';
import { ordinary, type AttributeValue, type Item, type JsonObject } from './json';
import { notFound } from './service-error';
import { Shelf } from './shelf';
import type { SecondaryIndex, TableDefinition, Throughput } from './table-definition';

export interface NewTable {
  readonly definition: TableDefinition;
  readonly arn: string;
  readonly id: string;
  readonly createdAtMs: number;
  readonly deletionProtected: boolean;
}

/** What a table is on its way to, until `endsAtMs` by the clock. */
export type Transition =
  | { readonly kind: 'creating' | 'updating' | 'deleting'; readonly endsAtMs: number }
  | { readonly kind: 'creating-index' | 'deleting-index'; readonly index: SecondaryIndex; readonly endsAtMs: number };

/** One table: its items, its indexes, and what was said about it. Whatever it is on its way to, is over by `settle`. */
export class Table {
  readonly arn: string;
  readonly items = new Shelf();
  readonly tags = new Shelf();
  deletionProtected: boolean;
  /** Since when, by the wall clock. */
  pointInTimeRecoverySinceMs: number | undefined;
  timeToLiveAttribute: string | undefined;
  readonly #id: string;
  readonly #createdAtMs: number;
  #definition: TableDefinition;
  #transition: Transition | undefined;
  readonly #indexes = new Map<string, Shelf>();

  constructor({ definition, arn, id, createdAtMs, deletionProtected }: NewTable, transition: Transition) {
    this.#definition = definition;
    this.arn = arn;
    this.#id = id;
    this.#createdAtMs = createdAtMs;
    this.deletionProtected = deletionProtected;
    this.#transition = transition;
  }

  get definition(): TableDefinition {
    return this.#definition;
  }

  get status(): 'ACTIVE' | 'CREATING' | 'DELETING' | 'UPDATING' {
    if (this.#transition === undefined) return 'ACTIVE';
    if (this.#transition.kind === 'creating') return 'CREATING';
    return this.#transition.kind === 'deleting' ? 'DELETING' : 'UPDATING';
  }

  /** Ends the transition if it is time. False when that was the table's end. */
  settle(nowMs: number): boolean {
    const ended = this.#transition;
    if (ended === undefined || nowMs < ended.endsAtMs) return true;
    this.#transition = undefined;
    return ended.kind !== 'deleting';
  }

  /**
   * Begins a change, and with it a new definition: from now on writes are indexed as that says. A new index is filled at
   * once, but read only when the change is over. The caller has checked that the table is ACTIVE.
   */
  start(transition: Transition, definition = this.#definition): void {
    this.#definition = definition;
    this.#transition = transition;
    if (transition.kind === 'creating-index') this.#fill(transition.index);
    if (transition.kind === 'deleting-index') this.#indexes.delete(indexKey('global', transition.index.IndexName));
  }

  /** Whether an index is still being filled. */
  isCreatingIndex(name: string): boolean {
    return this.#transition?.kind === 'creating-index' && this.#transition.index.IndexName === name;
  }

  /** The entries of an index. @param type `local` or `global`, in any case */
  index(type: string, name: string): Shelf {
    const key = indexKey(type, name);
    const shelf = this.#indexes.get(key) ?? new Shelf();
    this.#indexes.set(key, shelf);
    return shelf;
  }

  /** The item that a write is about, as it is now; nothing if the write's key is not one of this table. */
  itemAt(keyOrItem: Item): Item | undefined {
    const key: Record<string, AttributeValue> = {};
    for (const { AttributeName } of this.#definition.KeySchema) {
      const value = keyOrItem[AttributeName];
      if (value !== undefined) key[AttributeName] = value;
    }
    if (itemRules.validateKey(key, this.#definition)) return undefined;
    return this.items.get(itemRules.createKey(key, this.#definition)) as Item | undefined;
  }

  /** As DescribeTable shows it. Sizes and counts are 0: AWS too counts only every six hours. */
  describe(): JsonObject {
    const { BillingMode, ProvisionedThroughput, LocalSecondaryIndexes, GlobalSecondaryIndexes, ...rest } =
      this.#definition;
    const globalIndexes = [
      ...(GlobalSecondaryIndexes ?? []),
      ...(this.#transition?.kind === 'deleting-index' ? [this.#transition.index] : []),
    ];
    return {
      ...rest,
      TableStatus: this.status,
      TableArn: this.arn,
      TableId: this.#id,
      CreationDateTime: this.#createdAtMs / 1000,
      ItemCount: 0,
      TableSizeBytes: 0,
      ProvisionedThroughput: throughput(ProvisionedThroughput),
      DeletionProtectionEnabled: this.deletionProtected,
      ...(BillingMode === 'PAY_PER_REQUEST' && {
        BillingModeSummary: { BillingMode },
        TableThroughputModeSummary: { TableThroughputMode: BillingMode },
      }),
      ...(LocalSecondaryIndexes !== undefined && {
        LocalSecondaryIndexes: LocalSecondaryIndexes.map((index) => this.#describeIndex(index)),
      }),
      ...(globalIndexes.length > 0 && {
        GlobalSecondaryIndexes: globalIndexes.map((index) => ({
          ...this.#describeIndex(index),
          ...this.#indexState(index),
          ProvisionedThroughput: throughput(index.ProvisionedThroughput),
        })),
      }),
    };
  }

  #fill(index: SecondaryIndex): void {
    const shelf = this.index('global', index.IndexName);
    for (const [, item] of this.items.range()) {
      if (!hasKeysOf(index, item as Item, this.#definition)) continue;
      const { puts } = itemRules.getIndexActions([index], undefined, item as Item, this.#definition);
      for (const put of puts) shelf.put(put.key, ordinary(put.item));
    }
  }

  #describeIndex(index: SecondaryIndex): JsonObject {
    return { ...index, IndexArn: `${this.arn}/index/${index.IndexName}`, IndexSizeBytes: 0, ItemCount: 0 };
  }

  #indexState(index: SecondaryIndex): JsonObject {
    if (this.#transition?.kind === 'creating') return { IndexStatus: 'CREATING' };
    if (this.isCreatingIndex(index.IndexName)) return { IndexStatus: 'CREATING', Backfilling: true };
    const isDeleting = this.#transition?.kind === 'deleting-index' && this.#transition.index === index;
    return { IndexStatus: isDeleting ? 'DELETING' : 'ACTIVE' };
  }
}

/** The tables of one account in one region. */
export class Tables {
  readonly #tables = new Map<string, Table>();

  /** In the order of their names. */
  names(nowMs: number): readonly string[] {
    return [...this.#tables.keys()].sort().filter((name) => this.find(name, nowMs) !== undefined);
  }

  find(name: string, nowMs: number): Table | undefined {
    const table = this.#tables.get(name);
    if (table === undefined || table.settle(nowMs)) return table;
    this.#tables.delete(name);
    return undefined;
  }

  /** @throws DynamoDbServiceError if there is none */
  get(name: string, nowMs: number): Table {
    const table = this.find(name, nowMs);
    if (table === undefined) throw notFound(`Requested resource not found: Table: ${name} not found`);
    return table;
  }

  /** The caller has checked that the name is free. */
  add(table: Table): void {
    this.#tables.set(table.definition.TableName, table);
  }
}

/** Items whose attribute is missing or of another type are not in an index. */
function hasKeysOf({ KeySchema }: SecondaryIndex, item: Item, { AttributeDefinitions }: TableDefinition): boolean {
  return KeySchema.every(({ AttributeName }) => {
    const type = AttributeDefinitions.find((definition) => definition.AttributeName === AttributeName)?.AttributeType;
    return type !== undefined && item[AttributeName]?.[type] !== undefined;
  });
}

function indexKey(type: string, name: string): string {
  return `${type.toLowerCase()} ${name}`;
}

function throughput(given: Throughput | undefined): JsonObject {
  return { NumberOfDecreasesToday: 0, ReadCapacityUnits: 0, WriteCapacityUnits: 0, ...given };
}
