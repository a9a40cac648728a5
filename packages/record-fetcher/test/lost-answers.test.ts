import { describe, expect, it } from '@jest/globals';
import { kinesisError } from '@millrace/record-fetcher/testing';
import { Reading } from './reading';

describe('an answer that was lost', () => {
  const named = (name: string, message: string, more: object = {}): Error =>
    Object.assign(kinesisError(name, message), more);
  const cut = named('TimeoutError', 'read ECONNRESET', { code: 'ECONNRESET', syscall: 'read' });

  /** The next GetRecords call fails so long after it was made. */
  function failAfter(reading: Reading, delayMs: number, error: Error): void {
    const { reader, clock } = reading;
    const getRecords = reader.getRecords.bind(reader);
    reader.getRecords = async (...call) => {
      reader.getRecords = getRecords;
      reader.failNext('GetRecords', error);
      try {
        return await getRecords(...call);
      } catch (failure) {
        await clock.sleep(delayMs);
        throw failure;
      }
    };
  }

  async function firstDistance(reading: Reading): Promise<number> {
    await reading.clock.advance(20_000);
    const [first, second] = reading.callsTo('GetRecords').map(({ atMs }) => atMs);
    return second! - first!;
  }

  it('may have been 10 MB of records that nobody knows: the next call waits until they would be paid for', async () => {
    const reading = new Reading();
    reading.put(10);
    failAfter(reading, 5, cut);
    reading.begin();
    const distanceMs = await firstDistance(reading);
    expect(distanceMs).toBeGreaterThanOrEqual((10 * 1_024 * 1_024) / 2_000);
    expect(distanceMs).toBeLessThanOrEqual(1.1 * ((10 * 1_024 * 1_024) / 2_000) + 1);
  });

  it('is paid for from when the call was made: after the deadline there is only the back-off', async () => {
    const reading = new Reading();
    reading.put(10);
    failAfter(reading, 10_000, kinesisError('CallTimeoutError'));
    reading.begin();
    expect(await firstDistance(reading)).toBeLessThanOrEqual(10_400);
  });

  it('was no more than what was asked for', async () => {
    const reading = new Reading();
    reading.put(30, 100_000 - 3);
    reading.begin({ kind: 'trim-horizon' }, { maxRecords: 5 });
    await reading.clock.advance(100);
    failAfter(reading, 5, cut);
    await reading.clock.advance(1_000);
    expect(reading.delivered.length).toBeGreaterThanOrEqual(10);
  });

  it('was no more than what can have been written since the shard was read to its end', async () => {
    const reading = new Reading();
    reading.begin({ kind: 'trim-horizon' }, { idleTimeBetweenReadsMs: 3_000 });
    await reading.clock.advance(2_000);
    failAfter(reading, 5, cut);
    await reading.clock.advance(8_000);
    const [, second, third] = reading.callsTo('GetRecords').map(({ atMs }) => atMs);
    expect(second).toBe(3_000);
    expect(third! - second!).toBeGreaterThanOrEqual((4 * 1_024 * 1_024) / 2_000);
    expect(third! - second!).toBeLessThanOrEqual(1.1 * ((4 * 1_024 * 1_024) / 2_000) + 1);
  });

  it.each([
    ['a fault of the service', kinesisError('InternalFailure')],
    ['a connection that was refused', named('Error', 'no', { code: 'ECONNREFUSED', syscall: 'connect' })],
    ['no connection in time', named('TimeoutError', 'connect ETIMEDOUT', { code: 'ETIMEDOUT', syscall: 'connect' })],
    [
      'no connection in the time of the request handler',
      named('TimeoutError', 'the request socket did not establish a connection with the server within 5000 ms.'),
    ],
    ['an HTTP/2 stream that was never opened', named('Error', 'canceled', { code: 'ERR_HTTP2_STREAM_CANCEL' })],
  ])(
    'has cost nothing, and halves nothing, when it is known that the call was not carried out: %s',
    async (_, error) => {
      const reading = new Reading();
      reading.put(10);
      reading.reader.failNext('GetRecords', error);
      reading.begin();
      await reading.clock.advance(1_000);
      expect(reading.delivered).toHaveLength(10);
      expect(
        reading
          .callsTo('GetRecords')
          .map(({ limit }) => limit)
          .slice(0, 2),
      ).toEqual([1_800, 1_800]);
    },
  );
});
