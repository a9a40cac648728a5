import { describe, expect, it } from '@jest/globals';
import { MissingPermissionError, StreamNotFoundError } from '@millrace/core';
import { ManualClock, seededRandom } from '@millrace/core/testing';
import { KinesisShardLister } from '../src';

type Answer = Error | { readonly Shards: readonly object[]; readonly NextToken?: string };

const streamArn = 'arn:aws:kinesis:us-east-1:123456789012:stream/flights';
const aShard = (shardId: string): object => ({
  ShardId: shardId,
  ParentShardId: 'shardId-p',
  HashKeyRange: { StartingHashKey: '0', EndingHashKey: '9' },
  SequenceNumberRange: { StartingSequenceNumber: '1' },
});

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}

function aLister(answers: Answer[]): { lister: KinesisShardLister; inputs: object[]; clock: ManualClock } {
  const clock = new ManualClock();
  const inputs: object[] = [];
  const send = (command: { readonly input: object }): Promise<unknown> => {
    inputs.push(command.input);
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const lister = new KinesisShardLister({
    kinesis: { send } as never,
    streamArn,
    clock,
    random: seededRandom(1),
    callTimeoutMs: 1_000,
  });
  return { lister, inputs, clock };
}

const signal = new AbortController().signal;

describe('KinesisShardLister', () => {
  it('trap 6: shards listed to their first page only. It reads every page, and sends a token alone', async () => {
    const { lister, inputs } = aLister([
      { Shards: [aShard('shardId-1')], NextToken: 'a' },
      { Shards: [aShard('shardId-2')], NextToken: 'b' },
      { Shards: [aShard('shardId-3')] },
    ]);
    const shards = await lister.list({ kind: 'trim-horizon' }, signal);
    expect(shards.map(({ shardId }) => shardId)).toEqual(['shardId-1', 'shardId-2', 'shardId-3']);
    expect(shards[0]).toMatchObject({ parentShardIds: ['shardId-p'], startingSequenceNumber: '1' });
    expect(inputs).toEqual([
      { StreamARN: streamArn, ShardFilter: { Type: 'FROM_TRIM_HORIZON' } },
      { NextToken: 'a' },
      { NextToken: 'b' },
    ]);
  });

  it('leaves out what was closed before the moment', async () => {
    const { lister, inputs } = aLister([{ Shards: [] }]);
    await lister.list({ kind: 'moment', sentinel: 'latest', timestampMs: 5 }, signal);
    expect(inputs).toEqual([{ StreamARN: streamArn, ShardFilter: { Type: 'FROM_TIMESTAMP', Timestamp: new Date(5) } }]);
  });

  it.each(['LimitExceededException', 'InternalFailure', 'ExpiredNextTokenException'])(
    'begins again from the first page after %s, and never returns a part',
    async (name) => {
      const { lister, inputs, clock } = aLister([
        { Shards: [aShard('shardId-1')], NextToken: 'a' },
        named(name),
        { Shards: [aShard('shardId-1')], NextToken: 'c' },
        { Shards: [aShard('shardId-2')] },
      ]);
      const listing = lister.list({ kind: 'trim-horizon' }, signal);
      await clock.advance(10_000);
      expect((await listing).map(({ shardId }) => shardId)).toEqual(['shardId-1', 'shardId-2']);
      expect(inputs).toHaveLength(4);
    },
  );

  it('names the missing permission, and the missing stream', async () => {
    await expect(
      aLister([named('AccessDeniedException')]).lister.list({ kind: 'trim-horizon' }, signal),
    ).rejects.toThrow(MissingPermissionError);
    await expect(
      aLister([named('ResourceNotFoundException')]).lister.list({ kind: 'trim-horizon' }, signal),
    ).rejects.toThrow(StreamNotFoundError);
  });

  it('does not repeat an error that it does not know', async () => {
    const { lister, inputs } = aLister([named('SomethingElse')]);
    await expect(lister.list({ kind: 'trim-horizon' }, signal)).rejects.toThrow('SomethingElse');
    expect(inputs).toHaveLength(1);
  });
});
