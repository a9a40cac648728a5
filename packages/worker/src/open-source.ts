import type { Clock, Logger, Random, StartPosition } from '@millrace/core';
import {
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
  const { listener, started, emitter, memoryWatch, ...own } = parts;
  const { identity, shardSync } = started;
  return new PollingRecordSource({
    shardStatus: (id, signal) => shardStatus(shardSync, id, signal),
    ...own,
    stream: identity.streamName,
    observer: {
      throttled: (event) => emitter.emit('readThrottled', event),
      iteratorRefreshed: (event) => emitter.emit('iteratorRefreshed', event),
      failing: (event) => {
        listener.failing(event.kind);
        emitter.emit('readFailing', event);
      },
      waiting: ({ delayMs }) => listener.waiting(delayMs),
      waitingForMemory: (event) => memoryWatch.waitsLong(event),
      startAgedOut: (event) => emitter.emit('recordsAgedOut', event),
    },
  });
}
