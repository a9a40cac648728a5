import { DeleteItemCommand, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { isConditionFailed } from '@millrace/core';
import { TableCalls, type TableCallsDependencies } from './table-calls';
import {
  heartbeatUpdate,
  mailOf,
  type SignOfLife,
  type WorkerDescription,
  type WorkerRow,
  workerAttribute as a,
} from './worker-row';
import type { WorkerStore } from './worker-store';

/** The registry in the lease table. */
export class DynamoDbWorkerStore implements WorkerStore {
  readonly #table: TableCalls;

  constructor(deps: TableCallsDependencies) {
    this.#table = new TableCalls(deps);
  }

  async heartbeat(worker: WorkerDescription, state: SignOfLife): Promise<readonly string[]> {
    const { update, values } = heartbeatUpdate(worker, state);
    const command = new UpdateItemCommand({
      UpdateExpression: update,
      ...this.#table.row(worker.workerId),
      ExpressionAttributeValues: values,
      ReturnValues: 'ALL_NEW',
    });
    const { Attributes } = await this.#table.call('UpdateItem', (dynamodb, abortSignal) =>
      dynamodb.send(command, { abortSignal }),
    );
    return mailOf(Attributes);
  }

  async readMail(workerId: string): Promise<readonly string[]> {
    const command = new GetItemCommand({ ProjectionExpression: a.mail, ...this.#table.row(workerId) });
    const { Item } = await this.#table.call('GetItem', (dynamodb, abortSignal) =>
      dynamodb.send(command, { abortSignal }),
    );
    return mailOf(Item);
  }

  takeMail(workerId: string, leaseKeys: readonly string[]): Promise<void> {
    return this.#changeMail(workerId, `DELETE ${a.mail} :mail`, leaseKeys);
  }

  sendMail(workerId: string, leaseKeys: readonly string[]): Promise<void> {
    return this.#changeMail(workerId, `ADD ${a.mail} :mail`, leaseKeys);
  }

  async deregister(workerId: string): Promise<void> {
    const command = new DeleteItemCommand(this.#table.row(workerId));
    await this.#table.call('DeleteItem', (dynamodb, abortSignal) => dynamodb.send(command, { abortSignal }));
  }

  async removeWorker({ workerId, heartbeat }: WorkerRow): Promise<void> {
    const command = new DeleteItemCommand({
      ConditionExpression: `${a.heartbeat} = :heartbeat`,
      ...this.#table.row(workerId),
      ExpressionAttributeValues: { ':heartbeat': { N: String(heartbeat) } },
    });
    await this.#ifItHolds(() =>
      this.#table.call('DeleteItem', (dynamodb, abortSignal) => dynamodb.send(command, { abortSignal })),
    );
  }

  /** Only of a row that is there: mail for a worker that is gone must not bring it back. */
  async #changeMail(workerId: string, update: string, leaseKeys: readonly string[]): Promise<void> {
    const command = new UpdateItemCommand({
      ConditionExpression: `attribute_exists(${a.heartbeat})`,
      ...this.#table.row(workerId),
      UpdateExpression: update,
      ExpressionAttributeValues: { ':mail': { SS: [...leaseKeys] } },
    });
    await this.#ifItHolds(() =>
      this.#table.call('UpdateItem', (dynamodb, abortSignal) => dynamodb.send(command, { abortSignal })),
    );
  }

  async #ifItHolds(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }
}
