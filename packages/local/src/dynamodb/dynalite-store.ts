import { Stream } from 'node:stream';
import type { Clock } from '@millrace/core';
import { itemRules, maxItemBytes, type Action, type ActionDb, type ActionStore, type Callback } from './dynalite';
import { ordinary, type Item, type JsonObject } from './json';
import { fromDynalite, notFound } from './service-error';
import { Shelf, type KeyRange, type ShelfView } from './shelf';
import type { Table, Tables } from './table';
import { present, type View, type WriteHistory } from './write-history';

export interface StoreOptions {
  readonly tables: Tables;
  readonly clock: Clock;
  readonly history: WriteHistory;
  /** How the items of a table, and its indexes, are read. Default: as they are. */
  readonly viewOf?: (tableName: string) => View;
  /** A local index that projects some attributes only, to be read as if it projected all. */
  readonly wholeItemsOf?: string | undefined;
}

/**
 * Runs one action of dynalite on our tables. dynalite would keep them in LevelDB, which calls back later, and so it
 * spreads each operation over several turns of the event loop: others come in between, and what it throws then (an
 * expression that it didn't expect suffices) nobody can catch, so that it ends the process. This store calls back at
 * once. An action is thereby over when it returns: atomic without a lock, and all that it throws arrives here.
 *
 * @throws DynamoDbServiceError as dynalite refuses, and whatever is a fault of dynalite
 */
export function perform(action: Action, options: StoreOptions, input: JsonObject): JsonObject {
  const outcomes: { readonly error: unknown; readonly result: unknown }[] = [];
  const store = new DynaliteStore(options);
  action(store, input, (error, result) => outcomes.push({ error, result }));
  store.flush();
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error('dynalite did not call back at once');
  if (outcome.error) throw fromDynalite(outcome.error);
  // The actions on tags answer with an empty string.
  return (outcome.result === '' ? {} : outcome.result) as JsonObject;
}

class DynaliteStore implements ActionStore {
  readonly options = { maxItemSize: maxItemBytes };
  readonly #options: StoreOptions;
  readonly #streams: ShelfStream[] = [];

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  getTable(name: string, checkStatus: false | Callback, callback?: Callback): void {
    const done = checkStatus === false ? callback : checkStatus;
    const table = this.#table(name);
    const isReady = table?.status === 'ACTIVE' || table?.status === 'UPDATING';
    if (table !== undefined && (isReady || checkStatus === false)) {
      done?.(null, { ...this.#definition(table), TableStatus: table.status });
      return;
    }
    const refusal = notFound(
      checkStatus === false ? `Requested resource not found: Table: ${name} not found` : undefined,
    );
    // dynalite looks at the name, and may reword the message.
    done?.(Object.assign(new Error(), { name: 'NotFoundError', statusCode: 400, body: refusal.body }));
  }

  getItemDb(tableName: string): ActionDb {
    const table = this.#table(tableName);
    return table === undefined ? this.#dbOf(new Shelf()) : this.#dbOf(table.items, this.#viewOf(tableName));
  }

  getIndexDb(type: string, tableName: string, indexName: string): ActionDb {
    const table = this.#table(tableName);
    if (table === undefined) return this.#dbOf(new Shelf());
    const shelf = table.index(type, indexName);
    const view = this.#viewOf(tableName);
    if (indexName !== this.#options.wholeItemsOf) return this.#dbOf(shelf, view);
    return this.#dbOf(shelf, () => new WholeItems(view(shelf), view(table.items), table));
  }

  getTagDb(tableName: string): ActionDb {
    return this.#dbOf(this.#table(tableName)?.tags ?? new Shelf());
  }

  /** Feeds the streams that the action has asked for, and those that it asks for while it is fed. */
  flush(): void {
    for (let stream = this.#streams.shift(); stream !== undefined; stream = this.#streams.shift()) stream.flow();
  }

  #table(name: string): Table | undefined {
    return this.#options.tables.find(name, this.#options.clock.now());
  }

  #viewOf(tableName: string): View {
    return this.#options.viewOf?.(tableName) ?? present;
  }

  #definition({ definition }: Table): Table['definition'] {
    const { wholeItemsOf } = this.#options;
    if (wholeItemsOf === undefined) return definition;
    const LocalSecondaryIndexes = (definition.LocalSecondaryIndexes ?? []).map((index) =>
      index.IndexName === wholeItemsOf ? { ...index, Projection: { ProjectionType: 'ALL' } } : index,
    );
    return { ...definition, LocalSecondaryIndexes };
  }

  #dbOf(shelf: Shelf, view: View = present): ActionDb {
    const { history } = this.#options;
    const put = (key: string, value: unknown): void => {
      history.record(shelf, key);
      shelf.put(key, ordinary(value));
    };
    const del = (key: string): void => {
      history.record(shelf, key);
      shelf.delete(key);
    };
    const stream = (range: KeyRange | undefined, part: 0 | 1): ShelfStream => {
      const created = new ShelfStream(view(shelf), range, part);
      this.#streams.push(created);
      return created;
    };
    return {
      // Nothing else runs before the action is over.
      lock: (_key, run) => run((callback) => callback),
      get: (key, callback) => callback(null, view(shelf).get(key)),
      put: (key, value, callback) => {
        put(key, value);
        callback(null);
      },
      del: (key, callback) => {
        del(key);
        callback(null);
      },
      batch: (operations, callback) => {
        for (const { type, key, value } of operations) {
          if (type === 'put') put(key, value);
          else del(key);
        }
        callback(null);
      },
      createKeyStream: (range) => stream(range, 0),
      createValueStream: (range) => stream(range, 1),
    };
  }
}

/** What dynalite takes for a stream of Node.js: it wants an old one, without `read`. */
class ShelfStream extends Stream {
  #destroyed = false;

  constructor(
    private readonly view: ShelfView,
    private readonly range: KeyRange | undefined,
    /** Keys or values. */
    private readonly part: 0 | 1,
  ) {
    super();
  }

  flow(): void {
    for (const entry of this.view.range(this.range)) {
      if (this.#destroyed) return;
      this.emit('data', entry[this.part]);
    }
    this.emit('end');
  }

  /** Called by dynalite when it has enough. */
  destroy(): void {
    this.#destroyed = true;
  }
}

/** An index whose entries are the items that they stand for. dynalite would look them up one by one, and later. */
class WholeItems implements ShelfView {
  constructor(
    private readonly entries: ShelfView,
    private readonly items: ShelfView,
    private readonly table: Table,
  ) {}

  get(key: string): unknown {
    return this.entries.get(key);
  }

  *range(range?: KeyRange): Iterable<readonly [string, unknown]> {
    for (const [key, entry] of this.entries.range(range)) {
      yield [key, this.items.get(itemRules.createKey(entry as Item, this.table.definition)) ?? entry];
    }
  }
}
