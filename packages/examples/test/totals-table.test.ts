import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startLocalAws, type LocalAws } from '@millrace/local';
import { openTotalsTable, type TotalsTable } from '../src/flight-delays/totals-table';

type Flights = Parameters<TotalsTable['add']>[0];

describe('TotalsTable', () => {
  let aws: LocalAws;
  let dynamodb: DynamoDBClient;
  let tables = 0;

  beforeAll(async () => {
    aws = await startLocalAws();
    dynamodb = new DynamoDBClient({
      region: 'us-east-1',
      endpoint: aws.dynamodbEndpoint,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
  });

  afterAll(async () => {
    dynamodb.destroy();
    await aws.close();
  });

  async function newTable(): Promise<TotalsTable> {
    return openTotalsTable(dynamodb, `totals-${++tables}`);
  }

  it('counts flights, delay and worst delay of each airport', async () => {
    const totals = await newTable();
    await totals.add([flight('LAX', '10', 30), flight('JFK', '11', -4), flight('LAX', '12', -10)]);
    await totals.add([flight('LAX', '13', 5)]);
    expect(await answers(totals)).toEqual({ LAX: [3, 25, 30], JFK: [1, -4, -4] });
  });

  it('leaves out what is delivered again, all of a batch or a part of it', async () => {
    const totals = await newTable();
    const batch = [flight('LAX', '10', 30), flight('LAX', '11', 1), flight('JFK', '12', 2)];
    await totals.add(batch);
    await totals.add(batch);
    await totals.add([...batch, flight('LAX', '13', 4)]);
    expect(await answers(totals)).toEqual({ LAX: [3, 35, 30], JFK: [1, 2, 2] });
  });

  it('tells the records of one aggregate apart by their sub-sequence numbers', async () => {
    const totals = await newTable();
    const aggregate = Array.from({ length: 12 }, (_, index) => flight('LAX', '10', 1, index));
    await totals.add(aggregate.slice(0, 3));
    await totals.add(aggregate);
    expect(await answers(totals)).toEqual({ LAX: [12, 12, 1] });
  });

  it('compares sequence numbers as numbers, however long they are', async () => {
    const totals = await newTable();
    await totals.add([flight('LAX', '9', 1)]);
    await totals.add([flight('LAX', '10', 2)]);
    await totals.add([flight('LAX', '4'.repeat(56), 3)]);
    await totals.add([flight('LAX', '5'.repeat(55), 4)]);
    expect(await answers(totals)).toEqual({ LAX: [3, 6, 3] });
  });

  it('counts nothing twice when two workers add the same records at the same time', async () => {
    const totals = await newTable();
    const batch = Array.from({ length: 60 }, (_, index) => flight(`A${index % 30}`, String(100 + index), 1));
    await totals.add(batch.slice(0, 15));
    const outcomes = await Promise.allSettled([totals.add(batch), totals.add(batch)]);
    for (const outcome of outcomes.filter(({ status }) => status === 'rejected')) {
      expect(outcome).toMatchObject({ reason: { name: 'ConditionalCheckFailedException' } });
    }
    await totals.add(batch);
    const rows = Object.values(await answers(totals));
    expect(rows).toHaveLength(30);
    expect(new Set(rows.map(String))).toEqual(new Set(['2,2,1']));
  });

  it('is opened by several workers at once', async () => {
    const name = `totals-${++tables}`;
    const opened = await Promise.all([1, 2, 3].map(() => openTotalsTable(dynamodb, name)));
    expect(opened).toHaveLength(3);
  });
});

async function answers(totals: TotalsTable): Promise<Record<string, readonly number[]>> {
  const rows = await totals.all();
  return Object.fromEntries(
    rows.map(({ airport, flights, delaySum, worstDelay }) => [airport, [flights, delaySum, worstDelay]]),
  );
}

function flight(airport: string, sequenceNumber: string, delay: number, subSequenceNumber = 0): Flights[number] {
  return { partitionKey: airport, sequenceNumber, subSequenceNumber, data: Buffer.from(JSON.stringify({ delay })) };
}
