import type { Clock } from '@millrace/core';
import { maxItemBytes, validations, type Parameters } from './dynalite';
import type { JsonObject } from './json';
import { fromDynalite } from './service-error';
import type { Table, Tables } from './table';
import type { WriteHistory } from './write-history';

/** What operations work on. */
export interface Account {
  readonly clock: Clock;
  readonly region: string;
  readonly id: string;
  readonly tableTransitionMs: number;
  readonly tables: Tables;
  readonly history: WriteHistory;
}

export interface CallOptions {
  /** How long ago a read that isn't consistent looks at the tables, in milliseconds. 0 is now. */
  readonly readLagMs: number;
}

export interface Operation {
  readonly parameters: Parameters;
  /** @throws DynamoDbServiceError; nothing was changed then */
  readonly run: (account: Account, input: JsonObject, options: CallOptions) => JsonObject;
}

/** Checks the input as far as that goes without a table, and carries the operation out. @throws DynamoDbServiceError */
export function runOperation(
  { parameters: { types, custom }, run }: Operation,
  account: Account,
  raw: JsonObject,
  options: CallOptions,
): JsonObject {
  return run(account, checked(raw, types, custom, account), options);
}

function checked(
  raw: JsonObject,
  types: Parameters['types'],
  custom: Parameters['custom'],
  { id }: Account,
): JsonObject {
  try {
    const input = validations.checkTypes(raw, types);
    const context = { options: { maxItemSize: maxItemBytes }, tableDb: { awsAccountId: id } };
    validations.checkValidations(input, types, custom, context);
    return input;
  } catch (error) {
    throw fromDynalite(error);
  }
}

/** The table that the input names. @throws DynamoDbServiceError if there is none */
export function tableOf({ tables, clock }: Account, input: JsonObject): Table {
  return tables.get(String(input['TableName']), clock.now());
}
