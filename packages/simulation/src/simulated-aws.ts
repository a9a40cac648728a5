import { DynamoDbService, DynamoDbServiceError, KinesisEngine, KinesisServiceError } from '@millrace/local';
import { FastTable } from './fast-table';
import { sdkError, type ServiceCall } from './service-call';
import type { VirtualTime } from './virtual-time';

type Members = Readonly<Record<string, unknown>>;

/** How far back a read that is not consistent may look, at most. */
export const maxReadLagMs = 2_000;

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
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.getTime() / 1_000;
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => (inner === undefined ? [] : [[name, toWire(inner)] as const])),
  );
}

function fromWire(value: unknown, name = ''): unknown {
  if (typeof value === 'number') return name.endsWith('Timestamp') ? new Date(Math.round(value * 1_000)) : value;
  if (typeof value === 'string') return name === 'Data' ? bytesOf(value) : value;
  if (Array.isArray(value)) return value.map((item) => fromWire(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, fromWire(inner, member)]));
}

function bytesOf(base64: string): Uint8Array {
  return Buffer.from(base64, 'base64');
}
