import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  AT_TIMESTAMP,
  checkpointAt,
  compareCheckpoints,
  formatCheckpoint,
  LATEST,
  parseCheckpoint,
  SHARD_END,
  TRIM_HORIZON,
  type Checkpoint,
} from '../src';

const positions = fc.record({
  sequenceNumber: fc.bigInt({ min: 0n, max: 10n ** 56n }).map(String),
  subSequenceNumber: fc.nat(),
});
const checkpoints = fc.oneof(
  fc.constantFrom<Checkpoint>(AT_TIMESTAMP, TRIM_HORIZON, LATEST, SHARD_END),
  positions.map(checkpointAt),
);

describe('compareCheckpoints', () => {
  it('orders the named positions and sequence numbers as the Java KCL does', () => {
    const ascending = [
      AT_TIMESTAMP,
      TRIM_HORIZON,
      LATEST,
      checkpointAt({ sequenceNumber: '9', subSequenceNumber: 7 }),
      checkpointAt({ sequenceNumber: '10', subSequenceNumber: 0 }),
      checkpointAt({ sequenceNumber: '10', subSequenceNumber: 2 }),
      checkpointAt({ sequenceNumber: '10', subSequenceNumber: 10 }),
      SHARD_END,
    ];
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) expect(Math.sign(compareCheckpoints(a, b))).toBe(Math.sign(i - j));
    }
  });

  it('compares sequence numbers as integers of any length', () => {
    fc.assert(
      fc.property(positions, positions, (a, b) => {
        const [left, right] = [BigInt(a.sequenceNumber), BigInt(b.sequenceNumber)];
        const expected = left < right ? -1 : left > right ? 1 : Math.sign(a.subSequenceNumber - b.subSequenceNumber);
        expect(Math.sign(compareCheckpoints(checkpointAt(a), checkpointAt(b)))).toBe(expected);
      }),
    );
  });
});

describe('parseCheckpoint', () => {
  it('reads back what formatCheckpoint wrote', () => {
    fc.assert(
      fc.property(checkpoints, (checkpoint) => {
        const { checkpoint: text, subSequenceNumber } = formatCheckpoint(checkpoint);
        expect(parseCheckpoint(text, subSequenceNumber)).toEqual(checkpoint);
      }),
    );
  });

  it.each([
    ['', 0],
    ['latest', 0],
    ['-1', 0],
    ['12a', 0],
    ['007', 0],
    ['1e5', 0],
    ['9'.repeat(129), 0],
    ['5', -1],
    ['5', 1.5],
    ['5', Number.NaN],
  ])('refuses %j with sub-sequence number %j', (text, subSequenceNumber) => {
    expect(parseCheckpoint(text, subSequenceNumber)).toBeUndefined();
  });
});
