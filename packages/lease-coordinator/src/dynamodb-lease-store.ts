import {
  type AttributeValue,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  type Checkpoint,
  type Clock,
  CorruptLeaseError,
  isAccessDenied,
  isConditionFailed,
  isTableNotFound,
  type Lease,
  type LeaseSeed,
  LeaseTableMissingError,
  MissingPermissionError,
  withDeadline,
} from '@millrace/core';
import type { DynamoDbPort } from './dynamodb-port';
import * as condition from './lease-conditions';
import { attribute, isLeaseItem, type LeaseItem, newLeaseItem, parseLeaseItem } from './lease-item';
import type { Acquisition, CreateResult, HeldLeaseRef, LeaseListing, LeaseStore, WriteResult } from './lease-store';
import {
  adoptUpdate,
  checkpointUpdate,
  completeHandoverUpdate,
  type LeaseUpdate,
  releaseUpdate,
  renewUpdate,
  requestHandoverUpdate,
  shardEnd,
  takeUpdate,
} from './lease-updates';

export interface DynamoDbLeaseStoreDependencies {
  readonly dynamodb: DynamoDbPort;
  readonly tableName: string;
  readonly clock: Clock;
  /** The deadline of every call; a scan has one per page. */
  readonly callTimeoutMs: number;
  /** Aborts every call. */
  readonly signal?: AbortSignal | undefined;
}

/** A row that is deleted between a refused creation and the look at it can be created after all: not for ever, though. */
const MAX_CREATE_ATTEMPTS = 3;

/** The lease table in DynamoDB. One call is one attempt: whoever writes decides about retries, which need its write id. */
export class DynamoDbLeaseStore implements LeaseStore {
  readonly #dynamodb: DynamoDbPort;
  readonly #tableName: string;
  readonly #clock: Clock;
  readonly #callTimeoutMs: number;
  readonly #signal: AbortSignal | undefined;

  constructor({ dynamodb, tableName, clock, callTimeoutMs, signal }: DynamoDbLeaseStoreDependencies) {
    this.#dynamodb = dynamodb;
    this.#tableName = tableName;
    this.#clock = clock;
    this.#callTimeoutMs = callTimeoutMs;
    this.#signal = signal;
  }

  async list({ consistent }: { readonly consistent: boolean }): Promise<LeaseListing> {
    const leases: Lease[] = [];
    const corrupt: CorruptLeaseError[] = [];
    let startKey: LeaseItem | undefined;
    do {
      const command = new ScanCommand({
        TableName: this.#tableName,
        ConsistentRead: consistent,
        ExclusiveStartKey: startKey,
      });
      const page = await this.#call('Scan', (abortSignal) => this.#dynamodb.send(command, { abortSignal }));
      for (const item of (page.Items ?? []).filter(isLeaseItem)) {
        const parsed = parseOrCorrupt(item);
        if (parsed instanceof CorruptLeaseError) corrupt.push(parsed);
        else leases.push(parsed);
      }
      startKey = page.LastEvaluatedKey;
    } while (startKey !== undefined);
    return { leases, corrupt };
  }

  async get(leaseKey: string): Promise<Lease | undefined> {
    const command = new GetItemCommand({ ...this.#row(leaseKey), ConsistentRead: true });
    const { Item } = await this.#call('GetItem', (abortSignal) => this.#dynamodb.send(command, { abortSignal }));
    return Item === undefined ? undefined : parseLeaseItem(Item);
  }

  async create(seed: LeaseSeed, writeId: string): Promise<CreateResult> {
    const item = newLeaseItem(seed, writeId);
    const command = new PutItemCommand({
      TableName: this.#tableName,
      Item: item,
      ConditionExpression: condition.rowAbsent,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#call('PutItem', (abortSignal) => this.#dynamodb.send(command, { abortSignal }));
        return { kind: 'created', lease: parseLeaseItem(item) };
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
        const lease = await this.#rowAsFound(seed.leaseKey, error);
        if (lease !== undefined) return { kind: lease.writeId === writeId ? 'created' : 'exists', lease };
        if (attempt === MAX_CREATE_ATTEMPTS) throw error;
      }
    }
  }

  take(observed: Lease, acquisition: Acquisition): Promise<WriteResult> {
    return this.#update(observed.leaseKey, takeUpdate(observed, acquisition));
  }

  adopt(observed: Lease, acquisition: Acquisition): Promise<WriteResult> {
    return this.#update(observed.leaseKey, adoptUpdate(observed, acquisition));
  }

  renew(held: HeldLeaseRef, writeId: string): Promise<WriteResult> {
    return this.#update(held.leaseKey, renewUpdate(held, writeId));
  }

  checkpoint(held: HeldLeaseRef, checkpoint: Checkpoint, writeId: string): Promise<WriteResult> {
    return this.#update(held.leaseKey, checkpointUpdate(held, checkpoint, writeId));
  }

  async requestHandover(
    observed: Lease,
    { receiver, writeId }: { readonly receiver: string; readonly writeId: string },
  ): Promise<WriteResult> {
    if (observed.leaseOwner === undefined) return { kind: 'refused', lease: observed };
    return this.#update(observed.leaseKey, requestHandoverUpdate(observed.leaseOwner, receiver, writeId));
  }

  completeHandover(held: HeldLeaseRef, writeId: string): Promise<WriteResult> {
    return this.#update(held.leaseKey, completeHandoverUpdate(held, writeId));
  }

  release(held: HeldLeaseRef, writeId: string): Promise<WriteResult> {
    return this.#update(held.leaseKey, releaseUpdate(held, writeId));
  }

  async delete(observed: Lease): Promise<WriteResult> {
    const command = new DeleteItemCommand({
      ...this.#row(observed.leaseKey),
      ConditionExpression: condition.allOf(condition.counterAsObserved, condition.atShardEnd),
      ExpressionAttributeValues: { ':counter': { N: String(observed.leaseCounter) }, ':shardEnd': shardEnd },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return this.#conditional(observed.leaseKey, async () => {
      await this.#call('DeleteItem', (abortSignal) => this.#dynamodb.send(command, { abortSignal }));
      return observed;
    });
  }

  #update(leaseKey: string, { condition, update, values }: LeaseUpdate): Promise<WriteResult> {
    const command = new UpdateItemCommand({
      ...this.#row(leaseKey),
      ConditionExpression: condition,
      UpdateExpression: update,
      ExpressionAttributeValues: values,
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return this.#conditional(leaseKey, async () => {
      const answer = await this.#call('UpdateItem', (abortSignal) => this.#dynamodb.send(command, { abortSignal }));
      return parseLeaseItem(answer.Attributes ?? {});
    });
  }

  async #conditional(leaseKey: string, write: () => Promise<Lease>): Promise<WriteResult> {
    try {
      return { kind: 'applied', lease: await write() };
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return { kind: 'refused', lease: await this.#rowAsFound(leaseKey, error) };
    }
  }

  /** The row that made a condition fail. Stores that do not give it back with the failure are asked for it. */
  async #rowAsFound(leaseKey: string, error: unknown): Promise<Lease | undefined> {
    const { Item } = error as { readonly Item?: Record<string, AttributeValue> };
    return Item === undefined ? this.get(leaseKey) : parseLeaseItem(Item);
  }

  #row(leaseKey: string): { readonly TableName: string; readonly Key: LeaseItem } {
    return { TableName: this.#tableName, Key: { [attribute.leaseKey]: { S: leaseKey } } };
  }

  async #call<T>(operation: string, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const action = `dynamodb:${operation}`;
    const deadline = { deadlineMs: this.#callTimeoutMs, what: action };
    try {
      return await withDeadline(
        this.#clock,
        this.#signal === undefined ? deadline : { ...deadline, signal: this.#signal },
        send,
      );
    } catch (error) {
      if (isAccessDenied(error)) {
        throw new MissingPermissionError(action, `table ${this.#tableName}`, { cause: error });
      }
      if (isTableNotFound(error)) throw new LeaseTableMissingError(this.#tableName, { cause: error });
      throw error;
    }
  }
}

function parseOrCorrupt(item: LeaseItem): Lease | CorruptLeaseError {
  try {
    return parseLeaseItem(item);
  } catch (error) {
    if (error instanceof CorruptLeaseError) return error;
    throw error;
  }
}
