import type { RecordProcessor } from 'millrace';
import type { DeliveryLedger } from './delivery-ledger';
import type { TestTime } from './test-time';

export interface Observation {
  readonly workerId: string;
  readonly shardId: string;
  readonly ledger: DeliveryLedger;
  readonly time: TestTime;
  /** Aborts when the worker crashes: then nothing more comes to the user's code, and nothing of it goes on. */
  readonly crashed: AbortSignal;
}

/** The user's processor, with what is delivered to it written down. */
export function observedProcessor(processor: RecordProcessor, observation: Observation): RecordProcessor {
  const { workerId, shardId, ledger, time, crashed } = observation;
  const observed = async (call: () => Promise<void> | void): Promise<void> => {
    if (!crashed.aborted) await time.duringProcessing((async () => call())(), crashed);
    // As dead as code in a living process can be: it never returns.
    if (crashed.aborted) await new Promise<never>(() => undefined);
  };
  return {
    processRecords: (input) =>
      observed(async () => {
        const isProcessed = ledger.addDeliveries(
          input.records.map(({ partitionKey, sequenceNumber, subSequenceNumber }) => ({
            workerId,
            shardId,
            partitionKey,
            sequenceNumber,
            subSequenceNumber,
          })),
        );
        await processor.processRecords(input);
        if (!crashed.aborted) isProcessed();
      }),
    ...(processor.initialize && { initialize: (input) => observed(() => processor.initialize?.(input)) }),
    ...(processor.leaseLost && { leaseLost: (input) => observed(() => processor.leaseLost?.(input)) }),
    ...(processor.shardEnded && { shardEnded: (input) => observed(() => processor.shardEnded?.(input)) }),
    ...(processor.shutdownRequested && {
      shutdownRequested: (input) => observed(() => processor.shutdownRequested?.(input)),
    }),
  };
}
