import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ProcessRecordsInput } from 'millrace';
import { DeliveryTail } from '../src/demo/delivery-tail';
import { DeliveryLog } from '../src/flight-delays/delivery-log';

describe('DeliveryTail', () => {
  let directory: string;
  let file: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'delivery-tail-'));
    file = join(directory, 'A.log');
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  it('reads what a delivery log noted before the records were handed on', async () => {
    const tail = new DeliveryTail();
    const seen: number[] = [];
    const processor = {
      processRecords: () => {
        tail.read('A', file);
        seen.push(tail.distinctCount);
      },
    };
    const log = new DeliveryLog(processor, file);
    await log.processRecords(inputOf('shard-1', [5, 6]));
    await log.processRecords(inputOf('shard-2', [6, 7]));
    expect(seen).toEqual([2, 3]);
    expect(tail.deliveries.map(({ worker, shardId, airport, index }) => [worker, shardId, airport, index])).toEqual([
      ['A', 'shard-1', 'LAX', 5],
      ['A', 'shard-1', 'LAX', 6],
      ['A', 'shard-2', 'LAX', 6],
      ['A', 'shard-2', 'LAX', 7],
    ]);
    const times = tail.deliveries.map(({ timeNs }) => timeNs);
    expect([...times].sort((a, b) => Number(a - b))).toEqual(times);
    expect([tail.distinctFrom('shard-1'), tail.distinctFrom('shard-2')]).toEqual([2, 1]);
  });

  it('waits for the rest of a line that is half written', () => {
    const tail = new DeliveryTail();
    tail.read('A', file);
    appendFileSync(file, '10 shard-1 LAX 1\n11 shard-1 LA');
    tail.read('A', file);
    expect(tail.distinctCount).toBe(1);
    appendFileSync(file, 'X 23\n');
    tail.read('A', file);
    expect(tail.deliveries.at(-1)).toEqual({ worker: 'A', timeNs: 11n, shardId: 'shard-1', airport: 'LAX', index: 23 });
  });

  it('reads logs that are longer than its buffer', () => {
    const tail = new DeliveryTail();
    const lines = Array.from({ length: 30_000 }, (_, index) => `${index} shardId-000000000001 LAX ${index}\n`);
    appendFileSync(file, lines.join(''));
    tail.read('A', file);
    expect(tail.distinctCount).toBe(30_000);
  });
});

function inputOf(shardId: string, indexes: readonly number[]): ProcessRecordsInput {
  const records = indexes.map((index) => ({ partitionKey: 'LAX', data: Buffer.from(JSON.stringify({ index })) }));
  return { records, lease: { shardId } } as unknown as ProcessRecordsInput;
}
