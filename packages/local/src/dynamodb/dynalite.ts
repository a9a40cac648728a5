import { createRequire } from 'node:module';
import type { Item, JsonObject } from './json';
import { rememberParsed, type ExpressionParser } from './parser-memory';
import type { KeyRange } from './shelf';
import type { KeySchema, SecondaryIndex, TableDefinition } from './table-definition';

/**
 * The parts of dynalite that are used, which has no type declarations: the checks of parameters, the languages of
 * expressions, and the actions on items. Not its server and not its storage; see `dynalite-store.ts` for why.
 */

export type Callback = (error: unknown, result?: unknown) => void;

/** An operation. It finds its tables in `store`, and has called back when it returns, if the store never waits. */
export type Action = (store: ActionStore, input: JsonObject, callback: Callback) => void;

/** The storage that an action works on: what LevelDB is in dynalite's own server. */
export interface ActionStore {
  readonly options: { readonly maxItemSize: number };
  /** `checkStatus` false also finds a table that is not ready for reads and writes. It may be left out. */
  getTable(name: string, checkStatus: false | Callback, callback?: Callback): void;
  getItemDb(tableName: string): ActionDb;
  getIndexDb(type: string, tableName: string, indexName: string): ActionDb;
  getTagDb(tableName: string): ActionDb;
}

export interface ActionDb {
  lock(key: string, run: (release: (callback: Callback) => Callback) => void): void;
  get(key: string, callback: Callback): void;
  put(key: string, value: unknown, callback: Callback): void;
  del(key: string, callback: Callback): void;
  batch(operations: readonly BatchOperation[], callback: Callback): void;
  createKeyStream(range?: KeyRange): NodeJS.EventEmitter;
  createValueStream(range?: KeyRange): NodeJS.EventEmitter;
}

export interface BatchOperation {
  readonly type: 'put' | 'del';
  readonly key: string;
  readonly value?: unknown;
}

/** What an operation takes, member by member: dynalite's own description of types and bounds. */
export type ParameterTypes = Readonly<Record<string, unknown>>;

export interface Parameters {
  readonly types: ParameterTypes;
  /** What else must hold: the message of a refusal. */
  readonly custom?: (input: JsonObject, context?: CheckContext) => string | null | undefined;
}

/** What the checks look up in the store. */
export interface CheckContext {
  readonly options: { readonly maxItemSize: number };
  readonly tableDb: { readonly awsAccountId: string };
}

interface Validations {
  /** Drops what is not in `types`. Throws where a type is wrong. */
  checkTypes(raw: JsonObject, types: ParameterTypes): JsonObject;
  /** Throws where a bound is broken. Adds parsed expressions to the input: `_condition` for ConditionExpression. */
  checkValidations(input: JsonObject, types: ParameterTypes, custom: Parameters['custom'], store: CheckContext): void;
}

interface ItemRules {
  /** A refusal if `key` does not have just the attributes of the schema, in their types. */
  validateKey(key: Item, table: TableDefinition): Error | null | undefined;
  /** The key of an item on its shelf. */
  createKey(item: Item, table: TableDefinition, keySchema?: KeySchema): string;
  mapPath(path: readonly (string | number)[], item: Item): unknown;
  getIndexActions(
    indexes: readonly SecondaryIndex[],
    before: Item | undefined,
    after: Item,
    table: TableDefinition,
  ): { readonly puts: readonly { readonly key: string; readonly item: unknown }[] };
}

/** 400 KB, "Item size" of the quotas. */
export const maxItemBytes = 400 * 1024;

const load = createRequire(__filename);

for (const name of ['conditionParser', 'updateParser', 'projectionParser']) {
  rememberParsed(load(`dynalite/db/${name}`) as ExpressionParser);
}

// In full, once: by this the structure test knows that the package is needed.
export const itemRules = createRequire(__filename)('dynalite/db') as ItemRules;
export const validations = load('dynalite/validations') as Validations;

/** @param operation in camelCase: `putItem` */
export function actionOf(operation: string): Action {
  return load(`dynalite/actions/${operation}`) as Action;
}

/** @param operation in camelCase: `putItem` */
export function parametersOf(operation: string): Parameters {
  return load(`dynalite/validations/${operation}`) as Parameters;
}
