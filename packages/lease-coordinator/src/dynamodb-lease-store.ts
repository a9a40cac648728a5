import {
  type AttributeValue,
  BatchGetItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  type ScanCommandOutput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  type AttemptedRange,
  CallTimeoutError,
  type Checkpoint,
  type Clock,
  CorruptLeaseError,
  isConditionFailed,
  isDynamoDbThrottled,
  type Lease,
  type LeaseSeed,
} from '@millrace/core';
import * as condition from './lease-conditions';
import { attribute, isLeaseItem, type LeaseItem, newLeaseItem, parseLeaseItem } from './lease-item';
import type {
  Acquisition,
  CheckpointScope,
  CreateResult,
  HeldLeaseRef,
  LeaseListing,
  LeaseStore,
  ListOptions,
  WriteResult,
} from './lease-store';
import {
  adoptUpdate,
  attemptUpdate,
  cancelHandoverUpdate,
  checkpointUpdate,
  completeHandoverUpdate,
  evictUpdate,
  type LeaseUpdate,
  releaseUpdate,
  renewUpdate,
  requestHandoverUpdate,
  shardEnd,
  takeUpdate,
} from './lease-updates';
import { TableCalls, type TableCallsDependencies } from './table-calls';
import { isWorkerItem, parseWorkerItem, type WorkerRow } from './worker-row';

/** A row that is deleted between a refused creation and the look at it can be created after all: not for ever, though. */
const MAX_CREATE_ATTEMPTS = 3;
/** DynamoDB's limit for one BatchGetItem. */
const MAX_BATCH = 100;
/** A reading of many pages must not begin anew because one of them was throttled. */
const MAX_PAGE_ATTEMPTS = 6;
const PAGE_AGAIN_AFTER_MS = 100;

/**
 * The lease table in DynamoDB. One call of a write is one attempt: whoever writes decides about retries, which need its
 * write id.
 */
export class DynamoDbLeaseStore implements LeaseStore {
  readonly #table: TableCalls;
  readonly #clock: Clock;

  constructor(deps: TableCallsDependencies) {
    this.#table = new TableCalls(deps);
    this.#clock = deps.clock;
  }

  async list({ consistent, onPage }: ListOptions): Promise<LeaseListing> {
    const leases: Lease[] = [];
    const corrupt: CorruptLeaseError[] = [];
    const workers: WorkerRow[] = [];
    let startKey: LeaseItem | undefined;
    do {
      const page = await this.#page(consistent, startKey);
      const found = readPage(page.Items ?? []);
      onPage?.(found.leases, found.workers);
      leases.push(...found.leases);
      corrupt.push(...found.corrupt);
      workers.push(...found.workers);
      startKey = page.LastEvaluatedKey;
    } while (startKey !== undefined);
    return { leases, corrupt, workers };
  }

  async getMany(leaseKeys: readonly string[]): Promise<readonly Lease[]> {
    const leases: Lease[] = [];
    const keys = leaseKeys.map((leaseKey) => ({ [attribute.leaseKey]: { S: leaseKey } }));
    let wanted: LeaseItem[] = keys.splice(0, MAX_BATCH);
    for (let inVain = 0; wanted.length > 0;) {
      const command = new BatchGetItemCommand({
        RequestItems: { [this.#table.tableName]: { Keys: wanted, ConsistentRead: true } },
      });
      const { Responses, UnprocessedKeys } = await this.#table.call('BatchGetItem', (dynamodb, abortSignal) =>
        dynamodb.send(command, { abortSignal }),
      );
      leases.push(...readPage(Responses?.[this.#table.tableName] ?? []).leases);
      const left = UnprocessedKeys?.[this.#table.tableName]?.Keys ?? [];
      inVain = left.length === wanted.length ? inVain + 1 : 0;
      if (inVain === MAX_PAGE_ATTEMPTS)
        throw new CallTimeoutError('dynamodb:BatchGetItem', inVain * PAGE_AGAIN_AFTER_MS);
      if (inVain > 0) await this.#clock.sleep(PAGE_AGAIN_AFTER_MS);
      wanted = [...left, ...keys.splice(0, MAX_BATCH - left.length)];
    }
    return leases;
  }

  async get(leaseKey: string): Promise<Lease | undefined> {
    const command = new GetItemCommand({ ConsistentRead: true, ...this.#table.row(leaseKey) });
    const { Item } = await this.#table.call('GetItem', (dynamodb, abortSignal) =>
      dynamodb.send(command, { abortSignal }),
    );
    return Item === undefined ? undefined : parseLeaseItem(Item);
  }

  async create(seed: LeaseSeed, writeId: string): Promise<CreateResult> {
    const item = newLeaseItem(seed, writeId);
    const command = new PutItemCommand({
      TableName: this.#table.tableName,
      Item: item,
      ConditionExpression: condition.rowAbsent,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#table.call('PutItem', (dynamodb, abortSignal) => dynamodb.send(command, { abortSignal }));
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

  checkpoint(
    held: HeldLeaseRef,
    checkpoint: Checkpoint,
    writeId: string,
    scope: CheckpointScope,
  ): Promise<WriteResult> {
    return this.#update(held.leaseKey, checkpointUpdate(held, checkpoint, writeId, scope));
  }

  attempt(held: HeldLeaseRef, attempted: readonly AttemptedRange[], writeId: string): Promise<WriteResult> {
    return this.#update(held.leaseKey, attemptUpdate(held, attempted, writeId));
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

  cancelHandover(held: HeldLeaseRef, writeId: string): Promise<WriteResult> {
    return this.#update(held.leaseKey, cancelHandoverUpdate(held, writeId));
  }

  release(held: HeldLeaseRef, writeId: string, successor: string | undefined): Promise<WriteResult> {
    return this.#update(held.leaseKey, releaseUpdate(held, writeId, successor));
  }

  evict(observed: Lease, writeId: string): Promise<WriteResult> {
    return this.#update(observed.leaseKey, evictUpdate(observed, writeId));
  }

  async delete(observed: Lease): Promise<WriteResult> {
    const command = new DeleteItemCommand({
      ConditionExpression: condition.allOf(condition.counterAsObserved, condition.atShardEnd),
      ...this.#table.row(observed.leaseKey),
      ExpressionAttributeValues: { ':counter': { N: String(observed.leaseCounter) }, ':shardEnd': shardEnd },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return this.#conditional(observed.leaseKey, async () => {
      await this.#table.call('DeleteItem', (dynamodb, abortSignal) => dynamodb.send(command, { abortSignal }));
      return observed;
    });
  }

  #update(leaseKey: string, { condition, update, values }: LeaseUpdate): Promise<WriteResult> {
    const command = new UpdateItemCommand({
      ConditionExpression: condition,
      ...this.#table.row(leaseKey),
      UpdateExpression: update,
      ExpressionAttributeValues: values,
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return this.#conditional(leaseKey, async () => {
      const answer = await this.#table.call('UpdateItem', (dynamodb, abortSignal) =>
        dynamodb.send(command, { abortSignal }),
      );
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

  async #page(consistent: boolean, startKey: LeaseItem | undefined): Promise<ScanCommandOutput> {
    const command = new ScanCommand({
      TableName: this.#table.tableName,
      ConsistentRead: consistent,
      ExclusiveStartKey: startKey,
    });
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#table.call('Scan', (dynamodb, abortSignal) => dynamodb.send(command, { abortSignal }));
      } catch (error) {
        // The first page is its caller's to ask for again.
        if (!isDynamoDbThrottled(error) || startKey === undefined || attempt === MAX_PAGE_ATTEMPTS) throw error;
        await this.#clock.sleep(PAGE_AGAIN_AFTER_MS * attempt);
      }
    }
  }
}

function readPage(items: readonly LeaseItem[]): LeaseListing {
  const leases: Lease[] = [];
  const corrupt: CorruptLeaseError[] = [];
  for (const item of items.filter(isLeaseItem)) {
    const parsed = parseOrCorrupt(item);
    if (parsed instanceof CorruptLeaseError) corrupt.push(parsed);
    else leases.push(parsed);
  }
  return { leases, corrupt, workers: items.filter(isWorkerItem).map(parseWorkerItem) };
}

function parseOrCorrupt(item: LeaseItem): Lease | CorruptLeaseError {
  try {
    return parseLeaseItem(item);
  } catch (error) {
    if (error instanceof CorruptLeaseError) return error;
    throw error;
  }
}
