import { CreateTableCommand, waitUntilTableExists, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, paginateScan, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { UserRecord } from 'millrace';

/** The answer that the program is after: one row for each airport. */
export interface AirportTotals {
  /** The partition key of its flights. */
  readonly airport: string;
  readonly flights: number;
  /** Minutes; early flights count as negative. */
  readonly delaySum: number;
  /** Minutes. */
  readonly worstDelay: number;
  /** Up to and including which record flights are counted. */
  readonly position: string;
}

type TotalledRecord = Pick<UserRecord, 'data' | 'partitionKey' | 'sequenceNumber' | 'subSequenceNumber'>;

/** Rows written at a time. */
const concurrency = 25;

/**
 * Totals that can be added to more than once: a record that is counted already is left out, so that records may be
 * delivered again after a crash, and a worker that has lost its lease without knowing it can't spoil anything.
 *
 * This works because one airport's records come in the order of their positions: within a shard always, and an airport
 * that moves to another shard (by a split or a merge) finds greater sequence numbers there than it ever had before.
 */
export class TotalsTable {
  constructor(
    private readonly dynamodb: DynamoDBDocumentClient,
    private readonly tableName: string,
  ) {}

  /** Resolves when all of the records are counted. If it rejects, any of them may be: add them again. */
  async add(records: readonly TotalledRecord[]): Promise<void> {
    const airports = [...groupByAirport(records)];
    for (let start = 0; start < airports.length; start += concurrency) {
      const some = airports.slice(start, start + concurrency);
      await Promise.all(some.map(([airport, flights]) => this.#addToAirport(airport, flights)));
    }
  }

  /** Every airport that has had a flight, in no order. */
  async all(): Promise<readonly AirportTotals[]> {
    const rows: AirportTotals[] = [];
    const pages = paginateScan({ client: this.dynamodb }, { TableName: this.tableName, ConsistentRead: true });
    for await (const { Items: items = [] } of pages) rows.push(...(items as AirportTotals[]));
    return rows;
  }

  async #addToAirport(airport: string, records: readonly TotalledRecord[]): Promise<void> {
    const stored = await this.#read(airport);
    const totals = records.reduce(count, stored);
    if (totals === undefined || totals === stored) return;
    // Refused if anybody else has counted since the read. Then the batch fails, is delivered again, and this time the
    // read sees what is there.
    await this.dynamodb.send(
      new PutCommand({
        TableName: this.tableName,
        Item: totals,
        ...(stored === undefined
          ? { ConditionExpression: 'attribute_not_exists(airport)' }
          : {
              ConditionExpression: '#position = :read',
              ExpressionAttributeNames: { '#position': 'position' },
              ExpressionAttributeValues: { ':read': stored.position },
            }),
      }),
    );
  }

  async #read(airport: string): Promise<AirportTotals | undefined> {
    const { Item: item } = await this.dynamodb.send(
      new GetCommand({ TableName: this.tableName, Key: { airport }, ConsistentRead: true }),
    );
    return item as AirportTotals | undefined;
  }
}

function groupByAirport(records: readonly TotalledRecord[]): ReadonlyMap<string, readonly TotalledRecord[]> {
  const groups = new Map<string, TotalledRecord[]>();
  for (const record of records) {
    const group = groups.get(record.partitionKey);
    if (group === undefined) groups.set(record.partitionKey, [record]);
    else group.push(record);
  }
  return groups;
}

function count(totals: AirportTotals | undefined, record: TotalledRecord): AirportTotals | undefined {
  const position = positionOf(record);
  if (totals !== undefined && position <= totals.position) return totals;
  const { delay } = JSON.parse(Buffer.from(record.data).toString()) as { readonly delay: number };
  return {
    airport: record.partitionKey,
    flights: (totals?.flights ?? 0) + 1,
    delaySum: (totals?.delaySum ?? 0) + delay,
    worstDelay: Math.max(totals?.worstDelay ?? -Infinity, delay),
    position,
  };
}

/** A record's place among those of its partition key, as text that compares like the two numbers. */
function positionOf({ sequenceNumber, subSequenceNumber }: TotalledRecord): string {
  return `${sequenceNumber.padStart(128, '0')}.${String(subSequenceNumber).padStart(10, '0')}`;
}

/** Makes the table if it is not there. Several workers may do so at the same time. */
export async function openTotalsTable(dynamodb: DynamoDBClient, tableName: string): Promise<TotalsTable> {
  try {
    await dynamodb.send(
      new CreateTableCommand({
        TableName: tableName,
        AttributeDefinitions: [{ AttributeName: 'airport', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'airport', KeyType: 'HASH' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
  } catch (error) {
    if ((error as Error).name !== 'ResourceInUseException') throw error;
  }
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: 60, minDelay: 1, maxDelay: 2 }, { TableName: tableName });
  return new TotalsTable(DynamoDBDocumentClient.from(dynamodb), tableName);
}
