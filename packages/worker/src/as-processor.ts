import type { ConcurrencySettings } from './concurrency-options';
import { takesSingleRecords, type Processor } from './record-processor';

/**
 * What a factory gave, which may come from code without types.
 *
 * @throws TypeError it cannot process records, or not in the way that the options ask for
 */
export function asProcessor(value: Processor | undefined, concurrency: ConcurrencySettings): Processor {
  const methods: { readonly processRecords?: unknown; readonly processRecord?: unknown } = value ?? {};
  const isBatch = typeof methods.processRecords === 'function';
  if (value === undefined || isBatch === (typeof methods.processRecord === 'function')) {
    throw new TypeError(
      'processorFactory must return an object with a method processRecords or processRecord, not both',
    );
  }
  if (concurrency.by === 'partitionKey' && !takesSingleRecords(value)) {
    throw new TypeError('concurrency needs a processor with processRecord: calls of processRecords never overlap');
  }
  return value;
}
