import { appendFileSync } from 'node:fs';
import type { ProcessRecordsInput, RecordProcessor } from 'millrace';

/** One flight that was handed to the user's code. */
export interface Delivery {
  /** Monotonic, in nanoseconds; comparable between the processes of one machine. */
  readonly timeNs: bigint;
  readonly shardId: string;
  readonly airport: string;
  /** Of the flight in the file of flights. */
  readonly index: number;
}

/**
 * Notes every flight in a file before it hands it on, for the demo to check afterwards what was delivered, in which
 * order, and how often. No part of the program that a user would write.
 */
export class DeliveryLog implements RecordProcessor {
  constructor(
    private readonly processor: RecordProcessor,
    private readonly file: string,
  ) {}

  processRecords(input: ProcessRecordsInput): Promise<void> | void {
    const lines = input.records.map(({ partitionKey, data }) => {
      const { index } = JSON.parse(Buffer.from(data).toString()) as { readonly index: number };
      return `${String(process.hrtime.bigint())} ${input.lease.shardId} ${partitionKey} ${index}\n`;
    });
    // At once, and by one call of the kernel: a killed process leaves all of the batch behind, or nothing.
    appendFileSync(this.file, lines.join(''));
    return this.processor.processRecords(input);
  }
}

/** Reads one line of the log, without its end. */
export function parseDelivery(line: string): Delivery {
  const [timeNs = '', shardId = '', airport = '', index = ''] = line.split(' ');
  return { timeNs: BigInt(timeNs), shardId, airport, index: Number(index) };
}
