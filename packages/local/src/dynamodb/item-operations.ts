import { actionOf, parametersOf } from './dynalite';
import { settleDocumentComparisons, type Expression } from './document-equality';
import { perform } from './dynalite-store';
import type { Item, JsonObject } from './json';
import type { Account, CallOptions, Operation } from './operation';
import { DynamoDbServiceError, invalid } from './service-error';
import type { Table } from './table';
import { present, type View } from './write-history';

export const itemOperations: Readonly<Record<string, Operation>> = {
  PutItem: writeOfOneItem('putItem'),
  UpdateItem: writeOfOneItem('updateItem'),
  DeleteItem: writeOfOneItem('deleteItem'),
  BatchWriteItem: {
    parameters: parametersOf('batchWriteItem'),
    run: (account, input) => perform(actionOf('batchWriteItem'), account, input),
  },
  GetItem: readOfOneTable('getItem'),
  Query: readOfOneTable('query'),
  Scan: readOfOneTable('scan'),
  BatchGetItem: {
    parameters: parametersOf('batchGetItem'),
    run: (account, input, options) => {
      const requests = input['RequestItems'] as Readonly<Record<string, JsonObject>>;
      const past = pastOf(account, options);
      const viewOf = (name: string): View => (requests[name]?.['ConsistentRead'] === true ? present : past);
      return perform(actionOf('batchGetItem'), { ...account, viewOf }, input);
    },
  },
};

function writeOfOneItem(name: string): Operation {
  const action = actionOf(name);
  const { types, ...rules } = parametersOf(name);
  const ReturnValuesOnConditionCheckFailure = { type: 'String', enum: ['ALL_OLD', 'NONE'] };
  return {
    parameters: { ...rules, types: { ...types, ReturnValuesOnConditionCheckFailure } },
    run: (account, input) => {
      // All in one turn: the condition sees what `existing` is.
      const existing = account.tables
        .find(String(input['TableName']), account.clock.now())
        ?.itemAt((input['Item'] ?? input['Key']) as Item);
      try {
        return perform(action, account, withDocumentComparisons(input, existing));
      } catch (error) {
        const isWanted = input['ReturnValuesOnConditionCheckFailure'] === 'ALL_OLD' && existing !== undefined;
        if (!isWanted || !(error instanceof DynamoDbServiceError)) throw error;
        throw error.name === 'ConditionalCheckFailedException' ? error.with({ Item: existing }) : error;
      }
    },
  };
}

function withDocumentComparisons(input: JsonObject, existing: Item | undefined): JsonObject {
  // What dynalite's checks have made of ConditionExpression.
  const condition = input['_condition'] as { readonly expression: Expression } | undefined;
  if (condition === undefined || existing === undefined) return input;
  const expression = settleDocumentComparisons(condition.expression, existing);
  return { ...input, _condition: { ...condition, expression } };
}

function readOfOneTable(name: string): Operation {
  const action = actionOf(name);
  const { types, ...rules } = parametersOf(name);
  return {
    // Scan got it later than dynalite.
    parameters: { ...rules, types: { ...types, ConsistentRead: 'Boolean' } },
    run: (account, input, options) => {
      const view = input['ConsistentRead'] === true ? present : pastOf(account, options);
      const indexName = input['IndexName'];
      const table = account.tables.find(String(input['TableName']), account.clock.now());
      if (table?.isCreatingIndex(String(indexName)) === true) {
        throw invalid(`Cannot read from backfilling global secondary index: ${String(indexName)}`);
      }
      const wholeItemsOf = input['Select'] === 'ALL_ATTRIBUTES' ? localIndex(table, indexName) : undefined;
      return perform(action, { ...account, viewOf: () => view, wholeItemsOf }, input);
    },
  };
}

function localIndex(table: Table | undefined, name: unknown): string | undefined {
  return table?.definition.LocalSecondaryIndexes?.find((index) => index.IndexName === name)?.IndexName;
}

function pastOf({ history }: Account, { readLagMs }: CallOptions): View {
  return readLagMs > 0 ? history.asOf(readLagMs) : present;
}
