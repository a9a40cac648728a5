import {
  type AbortSignalLike,
  type Clock,
  isAccessDenied,
  isTableNotFound,
  LeaseTableMissingError,
  MissingPermissionError,
  withDeadline,
} from '@millrace/core';
import type { DynamoDbPort } from './dynamodb-port';
import { attribute, type LeaseItem } from './lease-item';

export interface TableCallsDependencies {
  readonly dynamodb: DynamoDbPort;
  readonly tableName: string;
  readonly clock: Clock;
  /** The deadline of every call; a scan has one per page. */
  readonly callTimeoutMs: number;
}

/** Calls to the lease table: each is one attempt with a deadline, and what fails for good says what is wrong. */
export class TableCalls {
  readonly tableName: string;
  readonly #deps: TableCallsDependencies;

  constructor(deps: TableCallsDependencies) {
    this.#deps = deps;
    this.tableName = deps.tableName;
  }

  row(leaseKey: string): { readonly TableName: string; readonly Key: LeaseItem } {
    return { TableName: this.tableName, Key: { [attribute.leaseKey]: { S: leaseKey } } };
  }

  /** `run` is given the client's `send` and the signal that ends the call. */
  async call<T>(
    operation: string,
    run: (dynamodb: DynamoDbPort, abortSignal: AbortSignalLike) => Promise<T>,
  ): Promise<T> {
    const { dynamodb, clock, callTimeoutMs } = this.#deps;
    const action = `dynamodb:${operation}`;
    try {
      return await withDeadline(clock, callTimeoutMs, { what: action }, (end) => run(dynamodb, end));
    } catch (error) {
      if (isAccessDenied(error)) {
        throw new MissingPermissionError(action, `table ${this.tableName}`, { cause: error });
      }
      if (isTableNotFound(error)) throw new LeaseTableMissingError(this.tableName, { cause: error });
      throw error;
    }
  }
}
