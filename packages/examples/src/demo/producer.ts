import { setTimeout as sleep } from 'node:timers/promises';
import { PutRecordsCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import type { Unit } from './flights';

/** Stores what it can of a request, and says of each entry whether it was stored. */
export type SendUnits = (units: readonly Unit[], signal: AbortSignal) => Promise<readonly boolean[]>;

export interface ProducerOptions {
  readonly send: SendUnits;
  /** Waited after a request of which something was refused. */
  readonly retryDelayMs?: number;
  /** In a row, of which nothing at all was stored. */
  readonly maxFailedRequests?: number;
}

/** The most entries of one PutRecords request (its API reference). */
const maxUnitsPerRequest = 500;

/**
 * Puts units into a stream so that those of one airport are stored in the order in which they were given.
 *
 * PutRecords neither keeps the order of its entries nor stores all or none of them. So there is a queue for each airport,
 * a request carries the heads of the queues, and a head stays where it is until it was stored.
 */
export class Producer {
  readonly #send: SendUnits;
  readonly #retryDelayMs: number;
  readonly #maxFailedRequests: number;

  constructor({ send, retryDelayMs = 50, maxFailedRequests = 100 }: ProducerOptions) {
    this.#send = send;
    this.#retryDelayMs = retryDelayMs;
    this.#maxFailedRequests = maxFailedRequests;
  }

  /** Resolves when every unit is stored. Not to be called again before that. */
  async put(units: readonly Unit[], signal: AbortSignal): Promise<void> {
    const queues = new Map<string, Unit[]>();
    for (const unit of units) {
      const queue = queues.get(unit.partitionKey);
      if (queue === undefined) queues.set(unit.partitionKey, [unit]);
      else queue.push(unit);
    }
    let failedRequests = 0;
    while (queues.size > 0) {
      const heads = [...queues].slice(0, maxUnitsPerRequest).flatMap(([, queue]) => queue.slice(0, 1));
      const stored = await this.#send(heads, signal);
      heads
        .filter((_, index) => stored[index] === true)
        .forEach(({ partitionKey }) => removeHead(queues, partitionKey));
      if (!stored.includes(false)) continue;
      failedRequests = stored.includes(true) ? 0 : failedRequests + 1;
      if (failedRequests > this.#maxFailedRequests) throw new Error('the stream takes no records');
      await sleep(this.#retryDelayMs, undefined, { signal });
    }
  }
}

function removeHead(queues: Map<string, Unit[]>, partitionKey: string): void {
  const queue = queues.get(partitionKey);
  queue?.shift();
  if (queue?.length === 0) queues.delete(partitionKey);
}

/**
 * Sends by PutRecords. A request that fails as a whole is repeated by the SDK; if its answer was lost, its records are
 * then in the stream twice, as with every producer for Kinesis.
 */
export function putRecordsTo(kinesis: KinesisClient, streamName: string): SendUnits {
  return async (units, signal) => {
    const { Records: results = [] } = await kinesis.send(
      new PutRecordsCommand({
        StreamName: streamName,
        Records: units.map(({ partitionKey, data }) => ({ PartitionKey: partitionKey, Data: data })),
      }),
      { abortSignal: signal },
    );
    return units.map((_, index) => results[index]?.SequenceNumber !== undefined);
  };
}
