import { randomUUID } from 'node:crypto';
import { parametersOf } from './dynalite';
import type { JsonObject } from './json';
import { tableOf, type Account, type Operation } from './operation';
import { inUse, invalid } from './service-error';
import { Table } from './table';
import type { TableDefinition } from './table-definition';

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

export const tableOperations: Readonly<Record<string, Operation>> = {
  CreateTable: { parameters: createTableParameters(), run: createTable },
  DescribeTable: {
    parameters: parametersOf('describeTable'),
    run: (account, input) => ({ Table: tableOf(account, input).describe() }),
  },
  DeleteTable: { parameters: parametersOf('deleteTable'), run: deleteTable },
  ListTables: { parameters: parametersOf('listTables'), run: listTables },
};

function createTableParameters(): Operation['parameters'] {
  const { types, ...rules } = parametersOf('createTable');
  const { Tags } = parametersOf('tagResource').types;
  return { ...rules, types: { ...types, Tags, DeletionProtectionEnabled: 'Boolean' } };
}

function createTable(account: Account, input: JsonObject): JsonObject {
  const { clock, tables, tableTransitionMs } = account;
  const { DeletionProtectionEnabled, Tags, ...given } = input;
  // Whatever else dynalite lets through of a CreateTable is in the definition.
  const definition = given as unknown as TableDefinition;
  const name = definition.TableName;
  if (tables.find(name, clock.now()) !== undefined) throw inUse(`Table already exists: ${name}`);
  const table = new Table(
    {
      definition,
      arn: `arn:aws:dynamodb:${account.region}:${account.id}:table/${name}`,
      id: randomUUID(),
      createdAtMs: clock.wallTime(),
      deletionProtected: DeletionProtectionEnabled === true,
    },
    { kind: 'creating', endsAtMs: clock.now() + tableTransitionMs },
  );
  for (const { Key, Value } of (Tags ?? []) as readonly Tag[]) table.tags.put(Key, Value);
  tables.add(table);
  return { TableDescription: table.describe() };
}

function deleteTable(account: Account, input: JsonObject): JsonObject {
  const table = tableOf(account, input);
  assertActive(table);
  if (table.deletionProtected) {
    throw invalid(
      'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.',
    );
  }
  table.start({ kind: 'deleting', endsAtMs: account.clock.now() + account.tableTransitionMs });
  return { TableDescription: table.describe() };
}

function listTables({ tables, clock }: Account, input: JsonObject): JsonObject {
  const { Limit = 100, ExclusiveStartTableName = '' } = input as {
    readonly Limit?: number;
    readonly ExclusiveStartTableName?: string;
  };
  const names = tables.names(clock.now()).filter((name) => name > ExclusiveStartTableName);
  const page = names.slice(0, Limit);
  return { TableNames: page, ...(page.length < names.length && { LastEvaluatedTableName: page.at(-1) }) };
}

/** @throws DynamoDbServiceError unless nothing is being done to the table */
export function assertActive({ status, definition: { TableName } }: Table): void {
  if (status === 'ACTIVE') return;
  const done = { CREATING: 'created', DELETING: 'deleted', UPDATING: 'updated' }[status];
  throw inUse(`Attempt to change a resource which is still in use: Table is being ${done}: ${TableName}`);
}
