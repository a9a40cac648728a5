import type { Worker } from 'millrace';

/** A worker to which any of this happens has done something else than what is measured. */
export function failOn(worker: Worker, fail: (error: Error) => void): void {
  const failWith = (what: string) => (payload: object) => fail(new Error(`${what}: ${JSON.stringify(payload)}`));
  worker
    .on('handlerBlocked', failWith('handlerBlocked'))
    .on('leaseLost', failWith('leaseLost'))
    .on('processingFailed', failWith('processingFailed'))
    .on('readFailing', failWith('readFailing'))
    .on('recordsAgedOut', failWith('recordsAgedOut'))
    .on('shardFailed', failWith('shardFailed'))
    .on('shardStalled', failWith('shardStalled'))
    .on('recordsDeaggregated', (payload) => {
      const { aggregates, ...others } = payload.counts;
      const isSound = aggregates > 0 && Object.values(others).every((count) => count === 0);
      if (!isSound) failWith('recordsDeaggregated')(payload);
    });
}
