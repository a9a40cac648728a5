import { describe, expect, it } from '@jest/globals';
import { base64, Fixture, noReadRates, refusal, stream, streamArn, transitionMs } from './engine-fixture';

const mebibyte = 1024 * 1024;
const ofSize = (bytes: number): string => base64('x'.repeat(bytes - 1));

function put(fixture: Fixture, bytes: number): string | undefined {
  return refusal(() => fixture.engine.handle('PutRecord', { ...stream, Data: ofSize(bytes), PartitionKey: 'k' }));
}

function update(fixture: Fixture, MaxRecordSizeInKiB: number): unknown {
  return fixture.engine.handle('UpdateMaxRecordSize', { StreamARN: streamArn, MaxRecordSizeInKiB });
}

async function raised(sizeInKiB = 10_240, limits = {}): Promise<Fixture> {
  const fixture = new Fixture({ limits: { ...noReadRates, ...limits } });
  update(fixture, sizeInKiB);
  await fixture.clock.advance(transitionMs);
  return fixture;
}

describe('UpdateMaxRecordSize', () => {
  it('lets larger records in, once the stream has been UPDATING', async () => {
    const fixture = new Fixture();
    expect(fixture.summary().MaxRecordSizeInKiB).toBe(1024);
    expect(put(fixture, mebibyte + 1)).toBe('InvalidArgumentException');
    update(fixture, 2048);
    expect(fixture.summary()).toMatchObject({ StreamStatus: 'UPDATING', MaxRecordSizeInKiB: 1024 });
    expect(put(fixture, 2 * mebibyte)).toBe('ValidationException');
    await fixture.clock.advance(transitionMs);
    expect(fixture.summary()).toMatchObject({ StreamStatus: 'ACTIVE', MaxRecordSizeInKiB: 2048 });
    expect(put(fixture, 2 * mebibyte + 1)).toBe('InvalidArgumentException');
    expect(put(fixture, 2 * mebibyte + 2)).toBe('ValidationException');
    expect(put(fixture, 2 * mebibyte)).toBeUndefined();
  });

  it('takes 1024 to 10240 KiB and an ARN', () => {
    const fixture = new Fixture();
    expect(refusal(() => update(fixture, 1023))).toBe('ValidationException');
    expect(refusal(() => update(fixture, 10_241))).toBe('ValidationException');
    const byName = { ...stream, MaxRecordSizeInKiB: 2048 };
    expect(refusal(() => fixture.engine.dispatch('UpdateMaxRecordSize', byName))).toBe('ValidationException');
    expect(refusal(() => update(fixture, 10_240))).toBeUndefined();
    expect(refusal(() => update(fixture, 10_240))).toBe('ResourceInUseException');
  });

  it('is for one stream; CreateStream may say it for a new one', async () => {
    const fixture = await raised();
    fixture.engine.handle('CreateStream', { StreamName: 'large', ShardCount: 1, MaxRecordSizeInKiB: 3000 });
    fixture.engine.addStream('small', 1);
    const sizes = ['flights', 'large', 'small'].map(
      (StreamName) =>
        fixture.engine.handle('DescribeStreamSummary', { StreamName }).StreamDescriptionSummary.MaxRecordSizeInKiB,
    );
    expect(sizes).toEqual([10_240, 3000, 1024]);
    const create = { StreamName: 'wrong', ShardCount: 1, MaxRecordSizeInKiB: 1000 };
    expect(refusal(() => fixture.engine.handle('CreateStream', create))).toBe('ValidationException');
  });
});

describe('large records', () => {
  it('may burst to 10 MiB, and small ones go on as soon as there is room', async () => {
    const fixture = await raised();
    expect(put(fixture, 10 * mebibyte)).toBeUndefined();
    expect(put(fixture, 2)).toBe('ProvisionedThroughputExceededException');
    await fixture.clock.advance(500);
    expect(put(fixture, mebibyte / 2)).toBeUndefined();
    expect(put(fixture, 100)).toBe('ProvisionedThroughputExceededException');
  });

  it('average out at 1 MiB/s, the small ones in between included', async () => {
    const fixture = await raised();
    let written = 0;
    const putIfItFits = (bytes: number): void => {
      if (put(fixture, bytes) === undefined) written += bytes;
    };
    for (let tick = 0; tick < 60; tick++) {
      putIfItFits(3 * mebibyte);
      putIfItFits(mebibyte / 4);
      await fixture.clock.advance(500);
    }
    expect(written).toBeLessThanOrEqual(40 * mebibyte);
    expect(written).toBeGreaterThan(35 * mebibyte);
  });

  it('of little more than 1 MiB burst too, and are then throttled, with PutRecords one by one', async () => {
    const fixture = await raised();
    const large = mebibyte + 1;
    const putMany = (count: number): readonly (string | undefined)[] =>
      fixture.engine
        .handle('PutRecords', {
          ...stream,
          Records: Array.from({ length: count }, () => ({ Data: ofSize(large), PartitionKey: 'k' })),
        })
        .Records.map((result) => ('ErrorCode' in result ? result.ErrorCode : undefined));
    expect(putMany(6)).toEqual(Array(6).fill(undefined));
    const throttled = 'ProvisionedThroughputExceededException';
    // Nine of them are 10 MiB less almost one.
    expect(putMany(5)).toEqual([undefined, undefined, undefined, throttled, throttled]);
    expect(put(fixture, large)).toBe(throttled);
    await fixture.clock.advance(100);
    expect(putMany(2)).toEqual([undefined, throttled]);
  });

  it('wait until their size has been saved up', async () => {
    const fixture = await raised();
    put(fixture, 8 * mebibyte);
    expect(put(fixture, 4 * mebibyte)).toBe('ProvisionedThroughputExceededException');
    await fixture.clock.advance(1999);
    expect(put(fixture, 4 * mebibyte)).toBe('ProvisionedThroughputExceededException');
    await fixture.clock.advance(1);
    expect(put(fixture, 4 * mebibyte)).toBeUndefined();
  });

  it('do not let records of 1 MiB and less exceed their rate', () => {
    const fixture = new Fixture();
    expect(put(fixture, mebibyte)).toBeUndefined();
    expect(put(fixture, 100)).toBe('ProvisionedThroughputExceededException');
  });

  it('are one of a page of 10 MiB', async () => {
    const fixture = await raised(10_240, { writeBytesPerSecond: Infinity });
    for (const size of [10 * mebibyte, 4 * mebibyte, 4 * mebibyte, 4 * mebibyte]) put(fixture, size);
    const first = fixture.page(fixture.iterator({ ShardIteratorType: 'TRIM_HORIZON' }));
    expect(first.Records).toHaveLength(1);
    expect(fixture.page(first.NextShardIterator).Records).toHaveLength(2);
  });
});

describe('blobs', () => {
  it('are base64 of the standard alphabet, padded', () => {
    const { engine } = new Fixture();
    const put = (Data: unknown) => refusal(() => engine.dispatch('PutRecord', { ...stream, Data, PartitionKey: 'k' }));
    for (const good of ['', 'YQ==', 'YWI=', 'YWJj', '+/+/']) expect(put(good)).toBeUndefined();
    for (const bad of [
      'Y',
      'YQ',
      'YQ=',
      'Y===',
      '====',
      'a-bc',
      'a_bc',
      'YW Jj',
      'YWJ\n',
      'YQ==YQ==',
      'ä===',
      'YW=j',
      5,
      null,
    ]) {
      expect(put(bad)).toBe(bad === null ? 'ValidationException' : 'SerializationException');
    }
  });
});
