import type { Clock, Logger, Random, StartPosition } from '@millrace/core';
import {
  type FetchObserver,
  type KinesisReader,
  type MemoryShare,
  PollingRecordSource,
  type ResolvedFetchOptions,
} from '@millrace/record-fetcher';
import type { MemoryWatch } from './memory-watch';
import type { ReadingListener } from './shard-consumer-parts';
import { shardStatus } from './shard-status';
import type { Started } from './startup';
import type { WorkerEmitter } from './worker-emitter';

export interface OpenSourceParts {
  readonly shardId: string;
  readonly start: StartPosition;
  readonly listener: ReadingListener;
  readonly reader: KinesisReader;
  readonly started: Started;
  readonly options: ResolvedFetchOptions;
  readonly emitter: WorkerEmitter;
  readonly memory: MemoryShare;
  readonly memoryWatch: MemoryWatch;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A shard's records from a position on. What happens to reads becomes the worker's events. */
export function openSource(parts: OpenSourceParts): PollingRecordSource {
  const { reader, shardId, start, started, options, clock, random, logger, memory } = parts;
  const { identity, shardSync } = started;
  return new PollingRecordSource({
    reader,
    shardStatus: (id, signal) => shardStatus(shardSync, id, signal),
    stream: identity.streamName,
    shardId,
    start,
    options,
    clock,
    random,
    logger,
    observer: new ReadEvents(parts),
    memory,
  });
}

class ReadEvents implements FetchObserver {
  readonly #listener: ReadingListener;
  readonly #emitter: WorkerEmitter;
  readonly #memoryWatch: MemoryWatch;

  constructor({ listener, emitter, memoryWatch }: Pick<OpenSourceParts, 'emitter' | 'listener' | 'memoryWatch'>) {
    this.#listener = listener;
    this.#emitter = emitter;
    this.#memoryWatch = memoryWatch;
  }

  throttled(event: EventOf<'throttled'>): void {
    this.#emitter.emit('readThrottled', event);
  }

  iteratorRefreshed(event: EventOf<'iteratorRefreshed'>): void {
    this.#emitter.emit('iteratorRefreshed', event);
  }

  failing(event: EventOf<'failing'>): void {
    this.#listener.failing(event.kind);
    this.#emitter.emit('readFailing', event);
  }

  waiting({ delayMs }: EventOf<'waiting'>): void {
    this.#listener.waiting(delayMs);
  }

  waitingForMemory(event: EventOf<'waitingForMemory'>): void {
    this.#memoryWatch.waitsLong(event);
  }

  startAgedOut(event: EventOf<'startAgedOut'>): void {
    this.#emitter.emit('recordsAgedOut', event);
  }
}

type EventOf<Name extends keyof FetchObserver> = Parameters<Required<FetchObserver>[Name]>[0];
