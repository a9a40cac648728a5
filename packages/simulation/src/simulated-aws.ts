import { DynamoDbService, DynamoDbServiceError, KinesisEngine, KinesisServiceError } from '@millrace/local';
import { FastTable } from './fast-table';
import { itemSize } from './item-size';
import { sdkError, type ServiceCall } from './service-call';
import type { VirtualTime } from './virtual-time';

type Members = Readonly<Record<string, unknown>>;

/** Kinesis and DynamoDB as the SDK's clients see them. Each call is over when it returns, whole or not at all. */
export class SimulatedAws {
  readonly kinesis: KinesisEngine;
  /** Where all is but the lease table. */
  readonly dynamodb: DynamoDbService;

  readonly #table: FastTable;

  constructor(time: VirtualTime, tableName: string) {
    this.kinesis = new KinesisEngine({ clock: time });
    this.dynamodb = new DynamoDbService({ clock: time });
    this.#table = new FastTable(this.dynamodb, time, tableName);
  }

  /** A row of the lease table as it is. */
  item(leaseKey: string): Members | undefined {
    return this.#table.item(leaseKey);
  }

  /** The sum over all items of the lease table, as a scan pays for it. */
  tableBytes(): number {
    return this.#table.items().reduce((sum, item) => sum + itemSize(item), 0);
  }

  /** The lease table has met a call that it does not know, and is slow since. */
  get isSlow(): boolean {
    return this.#table.isMovedOver;
  }

  /** @throws an error of the SDK's */
  perform({ service, operation, input }: ServiceCall, readLagMs = 0): Members {
    try {
      if (service === 'dynamodb') return this.#table.handle(operation, input, readLagMs);
      return fromWire(this.kinesis.dispatch(operation, toWire(input))) as Members;
    } catch (error) {
      if (error instanceof DynamoDbServiceError) {
        throw sdkError(error.name, error.message, error.statusCode, error.members);
      }
      if (error instanceof KinesisServiceError) throw sdkError(error.name, error.message, error.statusCode);
      throw error;
    }
  }
}

/** Blobs to base64, moments to seconds; what is undefined is not sent. */
function toWire(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value.getTime() / 1_000;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(toWire);
  const members: Record<string, unknown> = {};
  for (const name in value) {
    const inner = (value as Members)[name];
    if (inner !== undefined) members[name] = toWire(inner);
  }
  return members;
}

/** A copy: the records of a shard are kept in the form of the wire. */
function fromWire(value: unknown, name = ''): unknown {
  if (typeof value === 'string') return name === 'Data' ? Buffer.from(value, 'base64') : value;
  if (typeof value === 'number') return name.endsWith('Timestamp') ? new Date(Math.round(value * 1_000)) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => fromWire(item, name));
  const members: Record<string, unknown> = {};
  for (const member in value) members[member] = fromWire((value as Members)[member], member);
  return members;
}
