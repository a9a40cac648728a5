import type { RecordProcessor } from './record-processor';

/** What a factory gave, which may come from code without types. @throws TypeError if it cannot process records */
export function asProcessor(value: RecordProcessor | undefined): RecordProcessor {
  if (typeof value?.processRecords === 'function') return value;
  throw new TypeError('processorFactory must return an object with a processRecords method');
}
