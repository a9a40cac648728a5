import { describe, expect, it } from '@jest/globals';
import { crc32 } from 'node:zlib';
import { openToken, sealToken } from '../../src/kinesis/opaque-token';
import { Fixture, refusal, stream } from './engine-fixture';

/** A token with the right digest over any text. */
function forged(text: string): string {
  return Buffer.from(crc32(text).toString(16).padStart(8, '0') + text).toString('base64');
}

const noLists = ['', 'not JSON', '{', '["iterator"', 'null', '5', '"iterator"', '{"0":"iterator"}'];

describe('an opaque token', () => {
  it('gives back its fields, to its own kind only', () => {
    const token = sealToken('iterator', ['flights', 5]);
    expect(openToken('iterator', token)).toEqual(['flights', 5]);
    expect(openToken('shards', token)).toBeUndefined();
  });

  it('is made as the tests forge it', () => {
    expect(forged('["iterator","flights",5]')).toBe(sealToken('iterator', ['flights', 5]));
  });

  it.each(noLists)('is nothing with a right digest over %j', (text) => {
    expect(openToken('iterator', forged(text))).toBeUndefined();
  });

  it.each([...noLists, '[]', '["iterator"]', '["iterator",{},{},{},{},{},{}]', '["shards",null,[],"all"]'])(
    'with %j in it is refused by operations, and names no target',
    (text) => {
      const { engine } = new Fixture();
      const calls = [
        ['GetRecords', { ShardIterator: forged(text) }],
        ['ListShards', { NextToken: forged(text) }],
        ['ListStreams', { NextToken: forged(text) }],
      ] as const;
      for (const [name, input] of calls) {
        expect(engine.targetOf(name, input)).toEqual({});
        expect(refusal(() => engine.dispatch(name, input))).toBe('InvalidArgumentException');
      }
      expect(engine.inspect(stream.StreamName)).toHaveLength(1);
    },
  );
});
