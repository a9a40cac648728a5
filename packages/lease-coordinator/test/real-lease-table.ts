import {
  type AttributeValue,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { silentLogger, systemClock } from '@millrace/core';
import { DynamoDbLeaseStore, DynamoDbWorkerStore, ensureLeaseTable } from '../src';
import { portOf } from './port-of';

export const tableName = 'flight-delays';

type Item = Record<string, AttributeValue>;

/** A lease table behind a real client, and what tests do to it without the code under test. */
export class RealLeaseTable {
  constructor(readonly client: DynamoDBClient) {}

  create(pointInTimeRecovery = false): Promise<unknown> {
    return ensureLeaseTable({
      dynamodb: portOf(this.client),
      tableName,
      table: {
        create: true,
        billing: 'on-demand',
        tags: {},
        pointInTimeRecovery,
        deletionProtection: pointInTimeRecovery,
      },
      clock: systemClock,
      logger: silentLogger,
      signal: new AbortController().signal,
      callTimeoutMs: 5_000,
    });
  }

  leaseStore(): DynamoDbLeaseStore {
    return new DynamoDbLeaseStore({
      dynamodb: portOf(this.client),
      tableName,
      clock: systemClock,
      callTimeoutMs: 5_000,
    });
  }

  workerStore(): DynamoDbWorkerStore {
    return new DynamoDbWorkerStore({
      dynamodb: portOf(this.client),
      tableName,
      clock: systemClock,
      callTimeoutMs: 5_000,
    });
  }

  async put(item: Item): Promise<void> {
    await this.client.send(new PutItemCommand({ TableName: tableName, Item: item }));
  }

  /** A lease row whose checkpoint is no position. */
  putCorrupt(key: string): Promise<void> {
    return this.put({ leaseKey: { S: key }, leaseCounter: { N: '1' }, checkpoint: { S: 'SOMEWHERE' } });
  }

  async raw(key: string): Promise<Item | undefined> {
    const command = new GetItemCommand({ TableName: tableName, Key: { leaseKey: { S: key } }, ConsistentRead: true });
    return (await this.client.send(command)).Item;
  }

  async clear(): Promise<void> {
    const { Items = [] } = await this.client.send(new ScanCommand({ TableName: tableName }));
    for (const { leaseKey } of Items) {
      if (leaseKey === undefined) continue;
      await this.client.send(new DeleteItemCommand({ TableName: tableName, Key: { leaseKey } }));
    }
  }
}
