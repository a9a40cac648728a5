import { closeSync, openSync, readSync } from 'node:fs';
import { parseDelivery, type Delivery } from '../flight-delays/delivery-log';

const chunkBytes = 256 * 1024;

/** A delivery, and the worker in whose log it stands. */
export interface LoggedDelivery extends Delivery {
  readonly worker: string;
}

/** Follows the delivery logs of all workers while they are written. */
export class DeliveryTail {
  readonly #logs = new Map<string, { bytesRead: number; unfinishedLine: string }>();
  readonly #deliveries: LoggedDelivery[] = [];
  readonly #distinct = new Set<number>();
  readonly #distinctByShard = new Map<string, number>();

  /** Of all workers, in no order. */
  get deliveries(): readonly LoggedDelivery[] {
    return this.#deliveries;
  }

  /** Flights that were delivered at least once. */
  get distinctCount(): number {
    return this.#distinct.size;
  }

  /** Flights that were delivered first by this shard. */
  distinctFrom(shardId: string): number {
    return this.#distinctByShard.get(shardId) ?? 0;
  }

  /** Reads what was added to the worker's log since the last time. A log that is not there yet is empty. */
  read(worker: string, file: string): void {
    const log = this.#logs.get(file) ?? { bytesRead: 0, unfinishedLine: '' };
    this.#logs.set(file, log);
    const added = readFrom(file, log.bytesRead);
    log.bytesRead += added.length;
    const lines = (log.unfinishedLine + added.toString('latin1')).split('\n');
    log.unfinishedLine = lines.pop() ?? '';
    for (const line of lines) this.#add({ ...parseDelivery(line), worker });
  }

  #add(delivery: LoggedDelivery): void {
    this.#deliveries.push(delivery);
    if (this.#distinct.has(delivery.index)) return;
    this.#distinct.add(delivery.index);
    this.#distinctByShard.set(delivery.shardId, this.distinctFrom(delivery.shardId) + 1);
  }
}

function readFrom(file: string, position: number): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
  try {
    const chunks: Buffer[] = [];
    let read: number;
    do {
      const chunk = Buffer.alloc(chunkBytes);
      read = readSync(descriptor, chunk, 0, chunkBytes, position + chunks.length * chunkBytes);
      chunks.push(chunk.subarray(0, read));
    } while (read === chunkBytes);
    return Buffer.concat(chunks);
  } finally {
    closeSync(descriptor);
  }
}
