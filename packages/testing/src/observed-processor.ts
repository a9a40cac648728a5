import { failedRecord } from '@millrace/core';
import type {
  Checkpointer,
  InitializeInput,
  LeaseLostInput,
  Processor,
  ShardEndedInput,
  ShutdownRequestedInput,
  UserRecord,
} from 'millrace';
import type { DeliveryLedger } from './delivery-ledger';
import type { TestTime } from './test-time';
import type { UserCall } from './user-call';

export interface Observation {
  readonly workerName: string;
  readonly shardId: string;
  readonly ledger: DeliveryLedger;
  readonly time: TestTime;
  /** Aborts when the worker dies: then nothing of its user code reaches it any longer. */
  readonly dead: AbortSignal;
}

/** The user's processor, with what is delivered to it written down. */
export function observedProcessor(processor: Processor, observation: Observation): Processor {
  const { workerName, shardId, ledger, time, dead } = observation;
  /** The input of a call with its checkpointer observed: whoever waits for a checkpoint is not at work. */
  const observed = async <Input extends object>(
    input: Input,
    run: ((input: Input) => Promise<void> | void) | undefined,
  ): Promise<void> => {
    await time.duringUserCall(async (call) => run?.(withCheckpointer(input, call)), dead);
    // As dead as code in a living process can be: its worker never learns that it has returned.
    if (dead.aborted) await new Promise<never>(() => undefined);
  };
  const delivering = async (records: readonly UserRecord[], call: () => Promise<void>): Promise<void> => {
    const delivered = ledger.addDeliveries(
      records.map(({ partitionKey, sequenceNumber, subSequenceNumber }) => ({
        workerName,
        shardId,
        partitionKey,
        sequenceNumber,
        subSequenceNumber,
      })),
    );
    const onDeath = (): void => delivered.settle('failed');
    dead.addEventListener('abort', onDeath, { once: true });
    try {
      await call();
      delivered.settle('processed');
    } catch (error) {
      delivered.settle('failed', failedRecord(error));
      throw error;
    } finally {
      dead.removeEventListener('abort', onDeath);
    }
  };
  const lifecycle = {
    ...(processor.initialize && {
      initialize: (input: InitializeInput) => observed(input, (given) => processor.initialize?.(given)),
    }),
    ...(processor.leaseLost && {
      leaseLost: (input: LeaseLostInput) => observed(input, (given) => processor.leaseLost?.(given)),
    }),
    ...(processor.shardEnded && {
      shardEnded: (input: ShardEndedInput) => observed(input, (given) => processor.shardEnded?.(given)),
    }),
    ...(processor.shutdownRequested && {
      shutdownRequested: (input: ShutdownRequestedInput) =>
        observed(input, (given) => processor.shutdownRequested?.(given)),
    }),
  };
  if ('processRecord' in processor) {
    return {
      ...lifecycle,
      processRecord: (input) =>
        delivering([input.record], () => observed(input, (given) => processor.processRecord(given))),
    };
  }
  return {
    ...lifecycle,
    processRecords: (input) =>
      delivering(input.records, () => observed(input, (given) => processor.processRecords(given))),
  };
}

function withCheckpointer<Input extends object>(input: Input, call: UserCall): Input {
  if (!('checkpointer' in input)) return input;
  const checkpointer = input.checkpointer as Checkpointer;
  const observed: Checkpointer = { checkpoint: (upTo) => call.waiting(checkpointer.checkpoint(upTo)) };
  return { ...input, checkpointer: observed };
}
