import { describe, expect, it } from '@jest/globals';
import { kinesisError } from '@millrace/record-fetcher/testing';
import { Reading } from './reading';

const MINUTE = 60_000;

describe('a call that fails', () => {
  it('for lack of an answer is made again for fewer records, and comes back to all of them', async () => {
    const reading = new Reading();
    const put = reading.put(5_000);
    const timeout = kinesisError('CallTimeoutError');
    // A network that carries no more than 100 records within the deadline.
    reading.reader.intercept = ({ limit }) => (limit !== undefined && limit > 100 ? timeout : undefined);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 1_000 });
    await reading.clock.advance(10 * MINUTE);
    expect(reading.delivered).toEqual(put);
    reading.reader.intercept = () => undefined;
    await reading.clock.advance(MINUTE);
    expect(reading.callsTo('GetRecords').at(-1)?.limit).toBe(1_000);
  });

  it('for lack of an answer is made again for half of what it asked for, not of what it might', async () => {
    const reading = new Reading();
    const put = reading.put(3_000, 10_000 - 3);
    reading.begin();
    await reading.clock.advance(20_000);
    const before = reading.callsTo('GetRecords').length;
    // 180 to 200 were asked for, as they come to two megabytes with what was saved up.
    reading.reader.intercept = ({ limit }) =>
      limit !== undefined && limit > 60 ? kinesisError('CallTimeoutError') : undefined;
    await reading.clock.advance(20_000);
    const limits = reading.callsTo('GetRecords').map(({ limit }) => limit ?? 0);
    const refused = limits.slice(before).findIndex((limit) => limit <= 60);
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThanOrEqual(3);
    const grown = limits.slice(before + refused, before + refused + 5);
    for (const [index, limit] of grown.slice(1).entries()) expect(limit).toBeLessThanOrEqual(grown[index]! * 1.05 + 1);
    reading.reader.intercept = () => undefined;
    await reading.clock.advance(2 * MINUTE);
    expect(reading.delivered).toEqual(put);
  });

  it.each([
    ['a time-out of GetShardIterator', 'GetShardIterator', kinesisError('CallTimeoutError')],
    ['a reset', 'GetRecords', Object.assign(kinesisError('TimeoutError'), { code: 'ECONNRESET' })],
    ['a broken pipe', 'GetRecords', Object.assign(kinesisError('TimeoutError'), { code: 'EPIPE' })],
  ] as const)('because of %s does not make reads smaller', async (_, operation, error) => {
    const reading = new Reading();
    reading.put(1);
    reading.reader.failNext(operation, error);
    reading.begin();
    await reading.clock.advance(10_000);
    expect(reading.callsTo('GetRecords').at(-1)?.limit).toBe(10_000);
  });
});
