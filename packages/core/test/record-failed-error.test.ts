import { describe, expect, it } from '@jest/globals';
import { failedRecord, RecordFailedError } from '../src';

const record = { sequenceNumber: '17', subSequenceNumber: 3, data: new Uint8Array([1, 2, 3]) };

describe('RecordFailedError', () => {
  it('names the record, and keeps nothing of what it contains', () => {
    const cause = new Error('no');
    const error = new RecordFailedError(record, { cause });
    expect(error.message).toBe('record 17/3 failed');
    expect(error.cause).toBe(cause);
    expect(failedRecord(error)).toEqual({ sequenceNumber: '17', subSequenceNumber: 3 });
    expect(Object.values(error)).not.toContain(record.data);
  });
});

describe('failedRecord', () => {
  it.each([
    ['no error', 'RECORD_FAILED'],
    ['another error', new Error('no')],
    ['another code', Object.assign(new Error('no'), { ...record, code: 'LEASE_LOST' })],
    [
      'a sequence number that is none',
      Object.assign(new Error('no'), { ...record, code: 'RECORD_FAILED', sequenceNumber: 17 }),
    ],
    ['no sub-sequence number', Object.assign(new Error('no'), { code: 'RECORD_FAILED', sequenceNumber: '17' })],
  ])('is nothing for %s', (_, error) => {
    expect(failedRecord(error)).toBeUndefined();
  });
});
