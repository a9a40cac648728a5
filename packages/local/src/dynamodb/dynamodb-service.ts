import { ConfigError, type Clock } from '@millrace/core';
import { defaultRegion } from '../default-region';
import {
  accessKeyIdOf,
  type AnswerOptions,
  type Call,
  type Refusal,
  type Service,
  type ServiceReply,
  type ServiceRequest,
} from '../service/service';
import { itemOperations } from './item-operations';
import type { JsonObject } from './json';
import { runOperation, type Account, type Operation } from './operation';
import { DynamoDbServiceError } from './service-error';
import { Tables } from './table';
import { tableOperations } from './table-operations';
import { tableSettingsOperations } from './table-settings';
import { updateTableOperation } from './update-table';
import * as wire from './wire';
import { WriteHistory } from './write-history';

export interface DynamoDbServiceOptions {
  /** Monotonic time for transitions and for how old a stale read is; wall time for every date. */
  readonly clock: Clock;
  /** Part of every ARN. Default: `us-east-1`. */
  readonly region?: string;
  /** Part of every ARN, 12 digits. Default: `000000000000`. */
  readonly accountId?: string;
  /**
   * How long a table stays CREATING, UPDATING or DELETING after the answer that says so, by the clock. Default: 0, by
   * which a table can be used as soon as it is made. More than that finds out who doesn't wait until it is ACTIVE.
   */
  readonly tableTransitionMs?: number;
  /**
   * The longest `readLagMs` that a call may have from now on, in milliseconds. Asked at each write: what it replaces is
   * kept for so long. Default: 0, by which nothing is kept and all reads see the present.
   */
  readonly greatestReadLagMs?: () => number;
}

const operations: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    ...itemOperations,
    ...tableOperations,
    ...tableSettingsOperations,
    UpdateTable: updateTableOperation,
  }),
);

/**
 * DynamoDB without sockets, in memory. What is said to items and in which words is dynalite's work; where they are kept,
 * the tables around them and the protocol are done here. It is synchronous and passive: a call is over, with all its
 * effects, when `answer` returns. So calls never interleave, and no fault inside comes later than its answer.
 */
export class DynamoDbService implements Service {
  readonly #account: Account;

  /** @throws ConfigError if an option is out of range. */
  constructor(options: DynamoDbServiceOptions) {
    const { clock, region = defaultRegion, accountId = '000000000000', tableTransitionMs = 0 } = options;
    const { greatestReadLagMs = () => 0 } = options;
    const problems = [
      ...(/^[a-z0-9-]+$/.test(region) ? [] : ['region must be the name of an AWS region']),
      ...(/^\d{12}$/.test(accountId) ? [] : ['accountId must have 12 digits']),
      ...(tableTransitionMs >= 0 && Number.isFinite(tableTransitionMs) ? [] : ['tableTransitionMs must be 0 or more']),
    ];
    if (problems.length > 0) throw new ConfigError(problems);
    const history = new WriteHistory(clock, greatestReadLagMs);
    this.#account = { clock, region, id: accountId, tableTransitionMs, tables: new Tables(), history };
  }

  /**
   * Does one operation without a request around it. Inputs and outputs are in the form of the wire, which is that of the
   * SDK but for binary attributes in base64. What it answers with belongs to the store: don't write into it.
   *
   * @throws DynamoDbServiceError as the service refuses
   */
  handle(name: string, input: JsonObject, { readLagMs = 0 }: AnswerOptions = {}): JsonObject {
    const operation = operations.get(name);
    if (operation === undefined) throw new DynamoDbServiceError('UnknownOperationException', '');
    return this.#run(operation, input, readLagMs);
  }

  callOf(request: ServiceRequest): Call {
    return {
      service: 'dynamodb',
      operation: wire.operationOf(request),
      resource: wire.tableNameOf(wire.membersOf(request) ?? {}),
      shardId: undefined,
      accessKeyId: accessKeyIdOf(request),
    };
  }

  answer(request: ServiceRequest, { readLagMs = 0 }: AnswerOptions = {}): ServiceReply {
    const other = wire.replyToOthers(request);
    if (other !== undefined) return wire.toPlainReply(other, wire.commonHeaders(this.#wallTimeMs()));
    try {
      return this.#reply(request, 200, this.#perform(request, readLagMs));
    } catch (error) {
      const refusal = error instanceof DynamoDbServiceError ? error : fault(error);
      return this.#reply(request, refusal.statusCode, refusal.body);
    }
  }

  refuse(request: ServiceRequest, { errorName, statusCode, message }: Refusal): ServiceReply {
    return this.#reply(request, statusCode, new DynamoDbServiceError(errorName, message).body);
  }

  #perform(request: ServiceRequest, readLagMs: number): JsonObject {
    if (request.body.length > wire.maxRequestBytes) {
      const message = `the body is larger than ${wire.maxRequestBytes} bytes`;
      throw new DynamoDbServiceError('RequestEntityTooLargeException', message, 413);
    }
    const input = wire.membersOf(request);
    if (input === undefined && request.body.length > 0) throw notJson();
    const operation = operations.get(wire.operationOf(request) ?? '');
    if (operation === undefined) throw new DynamoDbServiceError('UnknownOperationException', '');
    wire.assertSigned(request);
    if (input === undefined) throw notJson();
    return this.#run(operation, input, readLagMs);
  }

  #run(operation: Operation, input: JsonObject, readLagMs: number): JsonObject {
    const { TableName } = input;
    const named = typeof TableName === 'string' ? { ...input, TableName: wire.nameOfArn(TableName) } : input;
    return runOperation(operation, this.#account, named, { readLagMs });
  }

  #reply(request: ServiceRequest, statusCode: number, body: JsonObject): ServiceReply {
    return wire.toReply(request, statusCode, body, this.#wallTimeMs());
  }

  #wallTimeMs(): number {
    return this.#account.clock.wallTime();
  }
}

function notJson(): DynamoDbServiceError {
  return new DynamoDbServiceError('SerializationException', 'the body is not the JSON of a structure');
}

/** dynalite throws what it did not expect. Clients retry it, as they would on AWS. */
function fault(error: unknown): DynamoDbServiceError {
  return new DynamoDbServiceError('InternalServerError', `a fault of the local DynamoDB: ${String(error)}`, 500);
}
