import { parametersOf, type Parameters } from './dynalite';
import type { JsonObject } from './json';
import { tableOf, type Account, type Operation } from './operation';
import { DynamoDbServiceError, invalid, notFound } from './service-error';
import {
  withGlobalIndexes,
  type AttributeDefinition,
  type SecondaryIndex,
  type TableDefinition,
  type Throughput,
} from './table-definition';
import { assertActive } from './table-operations';

/** What UpdateTable takes, after dynalite's checks. */
interface TableUpdate {
  readonly AttributeDefinitions?: readonly AttributeDefinition[];
  readonly BillingMode?: string;
  readonly ProvisionedThroughput?: Throughput;
  readonly DeletionProtectionEnabled?: boolean;
  readonly GlobalSecondaryIndexUpdates?: readonly IndexUpdate[];
}

interface IndexUpdate {
  readonly Create?: SecondaryIndex;
  readonly Delete?: { readonly IndexName: string };
  readonly Update?: { readonly IndexName: string; readonly ProvisionedThroughput: Throughput };
}

export const updateTableOperation: Operation = { parameters: updateTableParameters(), run: updateTable };

/** As dynalite has them, but an index may come without a throughput, and deletion protection alone is an update too. */
function updateTableParameters(): Parameters {
  const { types, custom } = parametersOf('updateTable');
  const { GlobalSecondaryIndexes, AttributeDefinitions } = parametersOf('createTable').types;
  const updates = childrenOf(types['GlobalSecondaryIndexUpdates']);
  const Create = { type: 'FieldStruct<CreateGlobalSecondaryIndexAction>', ...indexTypes(GlobalSecondaryIndexes) };
  return {
    types: {
      ...types,
      AttributeDefinitions: { type: 'List', children: childrenOf(AttributeDefinitions) },
      DeletionProtectionEnabled: 'Boolean',
      GlobalSecondaryIndexUpdates: {
        type: 'List',
        children: { ...updates, children: { ...childrenOf(updates), Create } },
      },
    },
    custom: (input, context) => {
      const { DeletionProtectionEnabled } = input;
      return DeletionProtectionEnabled !== undefined && !changesMore(input) ? undefined : custom?.(input, context);
    },
  };
}

function indexTypes(list: unknown): { readonly children: JsonObject } {
  return { children: childrenOf(childrenOf(list)) };
}

function childrenOf(type: unknown): JsonObject {
  return (type as { readonly children: JsonObject }).children;
}

function updateTable(account: Account, input: JsonObject): JsonObject {
  const table = tableOf(account, input);
  const { DeletionProtectionEnabled } = input as TableUpdate;
  if (changesMore(input)) {
    assertActive(table);
    const { definition, change } = planUpdate(table.definition, input);
    table.start({ ...change, endsAtMs: account.clock.now() + account.tableTransitionMs }, definition);
  }
  if (DeletionProtectionEnabled !== undefined) table.deletionProtected = DeletionProtectionEnabled;
  return { TableDescription: table.describe() };
}

/** Whether an update is about more than the deletion protection, which changes at once and in any state. */
function changesMore(input: JsonObject): boolean {
  return Object.keys(input).some((member) => member !== 'TableName' && member !== 'DeletionProtectionEnabled');
}

interface UpdatePlan {
  readonly definition: TableDefinition;
  readonly change:
    | { readonly kind: 'updating' }
    | { readonly kind: 'creating-index' | 'deleting-index'; readonly index: SecondaryIndex };
}

/** What the table will be, and what has to be done for it. @throws DynamoDbServiceError */
function planUpdate(current: TableDefinition, update: TableUpdate): UpdatePlan {
  const indexUpdates = update.GlobalSecondaryIndexUpdates ?? [];
  const [online, another] = indexUpdates.filter(({ Create, Delete }) => Create !== undefined || Delete !== undefined);
  if (another !== undefined) {
    throw new DynamoDbServiceError(
      'LimitExceededException',
      'Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table',
    );
  }
  const definition = withThroughput(current, update);
  if (online?.Create !== undefined) return planIndex(definition, online.Create, update.AttributeDefinitions ?? []);
  if (online?.Delete === undefined) return { definition, change: { kind: 'updating' } };
  const { IndexName } = online.Delete;
  const indexes = definition.GlobalSecondaryIndexes ?? [];
  const index = indexes.find((candidate) => candidate.IndexName === IndexName);
  if (index === undefined) throw notFound();
  const rest = indexes.filter((other) => other !== index);
  return { definition: withGlobalIndexes(definition, rest), change: { kind: 'deleting-index', index } };
}

function planIndex(
  current: TableDefinition,
  index: SecondaryIndex,
  attributes: readonly AttributeDefinition[],
): UpdatePlan {
  const indexes = current.GlobalSecondaryIndexes ?? [];
  if (indexes.some(({ IndexName }) => IndexName === index.IndexName)) {
    throw invalid('Attempting to create an index which already exists');
  }
  if (current.BillingMode !== 'PAY_PER_REQUEST' && index.ProvisionedThroughput === undefined) {
    throw invalid(
      `One or more parameter values were invalid: ProvisionedThroughput is not specified for index: ${index.IndexName}`,
    );
  }
  const known = new Set(current.AttributeDefinitions.map(({ AttributeName }) => AttributeName));
  const added = attributes.filter(({ AttributeName }) => !known.has(AttributeName));
  const definition = withGlobalIndexes(
    { ...current, AttributeDefinitions: [...current.AttributeDefinitions, ...added] },
    [...indexes, index],
  );
  // What holds for a table made with this index holds for one that gets it later.
  const problem = parametersOf('createTable').custom?.({ ...definition });
  if (problem) throw invalid(problem);
  return { definition, change: { kind: 'creating-index', index } };
}

/** The definition with the billing mode and the throughputs of an update. @throws DynamoDbServiceError */
function withThroughput(current: TableDefinition, update: TableUpdate): TableDefinition {
  const { BillingMode: mode = current.BillingMode ?? 'PROVISIONED', ProvisionedThroughput: wanted } = update;
  const { ProvisionedThroughput: before, GlobalSecondaryIndexes: indexes } = current;
  const updates = new Map(
    (update.GlobalSecondaryIndexUpdates ?? [])
      .map(({ Update }) => Update)
      .filter((change) => change !== undefined)
      .map((change) => [change.IndexName, change.ProvisionedThroughput]),
  );
  if (mode === 'PAY_PER_REQUEST') {
    if (wanted !== undefined || updates.size > 0) {
      throw invalid(
        'One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified ' +
          'when BillingMode is PAY_PER_REQUEST',
      );
    }
    return {
      ...current,
      BillingMode: mode,
      ProvisionedThroughput: undefined,
      GlobalSecondaryIndexes: indexes?.map((index) => ({ ...index, ProvisionedThroughput: undefined })),
    };
  }
  if (wanted !== undefined && before !== undefined) assertChanges(before, wanted);
  const provisioned = indexes?.map((index) => ({
    ...index,
    ProvisionedThroughput: updates.get(index.IndexName) ?? index.ProvisionedThroughput,
  }));
  const missing = provisioned?.filter((index) => index.ProvisionedThroughput === undefined) ?? [];
  if (missing.length > 0) {
    const names = missing.map(({ IndexName }) => IndexName).join(',');
    throw invalid(
      `One or more parameter values were invalid: ProvisionedThroughput must be specified for index: ${names}`,
    );
  }
  return {
    ...current,
    BillingMode: mode,
    ProvisionedThroughput: wanted ?? before,
    GlobalSecondaryIndexes: provisioned,
  };
}

function assertChanges(before: Throughput, wanted: Throughput): void {
  const { ReadCapacityUnits: reads, WriteCapacityUnits: writes } = wanted;
  if (reads !== before.ReadCapacityUnits || writes !== before.WriteCapacityUnits) return;
  throw invalid(
    'The provisioned throughput for the table will not change. The requested value equals the current value. ' +
      `Current ReadCapacityUnits provisioned for the table: ${reads}. Requested ReadCapacityUnits: ${reads}. ` +
      `Current WriteCapacityUnits provisioned for the table: ${writes}. Requested WriteCapacityUnits: ${writes}.`,
  );
}
