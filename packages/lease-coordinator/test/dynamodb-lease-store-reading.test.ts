import {
  type AttributeValue,
  type BatchGetItemCommandInput,
  ProvisionedThroughputExceededException,
} from '@aws-sdk/client-dynamodb';
import { ManualClock } from '@millrace/core/testing';
import { describe, expect, it } from '@jest/globals';
import { DynamoDbLeaseStore } from '../src';
import { tableName } from './real-lease-table';

interface Command {
  readonly constructor: { readonly name: string };
  readonly input: object;
}

const throttled = (): Error => new ProvisionedThroughputExceededException({ message: 'slow down', $metadata: {} });
const row = (leaseKey: string): Record<string, AttributeValue> => ({
  leaseKey: { S: leaseKey },
  leaseCounter: { N: '1' },
  checkpoint: { S: 'LATEST' },
});

/** A store on a client that answers with what `answer` returns, or rejects with the error. */
function aStore(answer: (command: Command) => unknown): {
  readonly store: DynamoDbLeaseStore;
  readonly sent: Command[];
  readonly clock: ManualClock;
} {
  const sent: Command[] = [];
  const clock = new ManualClock();
  const send = async (command: Command): Promise<unknown> => {
    sent.push(command);
    const result = answer(command);
    if (result instanceof Error) throw result;
    return result;
  };
  const store = new DynamoDbLeaseStore({ dynamodb: { send } as never, tableName, clock, callTimeoutMs: 2_500 });
  return { store, sent, clock };
}

describe('a reading of many pages', () => {
  it('asks for a page again that was throttled, and not for those before it', async () => {
    const answers = [
      { Items: [row('a')], LastEvaluatedKey: { leaseKey: { S: 'a' } } },
      throttled(),
      throttled(),
      { Items: [row('b')] },
    ];
    const { store, sent, clock } = aStore(() => answers.shift());
    const pages: string[][] = [];
    const listing = store.list({
      consistent: true,
      onPage: (leases) => void pages.push(leases.map(({ leaseKey }) => leaseKey)),
    });
    await clock.advance(0);
    expect(pages).toEqual([['a']]);
    await clock.advance(1_000);
    expect((await listing).leases.map(({ leaseKey }) => leaseKey)).toEqual(['a', 'b']);
    expect(pages).toEqual([['a'], ['b']]);
    expect(sent.slice(1).map(({ input }) => input)).toEqual(
      Array.from({ length: 3 }, () => expect.objectContaining({ ExclusiveStartKey: { leaseKey: { S: 'a' } } })),
    );
  });

  it('leaves the first page to its caller, and gives a later one up after six attempts', async () => {
    const first = aStore(throttled);
    await expect(first.store.list({ consistent: false })).rejects.toThrow('slow down');
    expect(first.sent).toHaveLength(1);
    let calls = 0;
    const later = aStore(() =>
      calls++ === 0 ? { Items: [], LastEvaluatedKey: { leaseKey: { S: 'a' } } } : throttled(),
    );
    const outcome = expect(later.store.list({ consistent: false })).rejects.toThrow('slow down');
    await later.clock.advance(10_000);
    await outcome;
    expect(later.sent).toHaveLength(7);
  });

  it('fails at once for any other reason', async () => {
    let calls = 0;
    const { store, sent } = aStore(() =>
      calls++ === 0 ? { Items: [], LastEvaluatedKey: { leaseKey: { S: 'a' } } } : new Error('reset'),
    );
    await expect(store.list({ consistent: false })).rejects.toThrow('reset');
    expect(sent).toHaveLength(2);
  });
});

describe('reading some rows', () => {
  const keysOf = ({ input }: Command): string[] =>
    ((input as BatchGetItemCommandInput).RequestItems?.[tableName]?.Keys ?? []).map(
      ({ leaseKey }) => leaseKey?.S ?? '',
    );

  it('asks for a hundred at once, consistently', async () => {
    const { store, sent } = aStore((command) => ({ Responses: { [tableName]: keysOf(command).map(row) } }));
    const keys = Array.from({ length: 230 }, (_, index) => `s-${String(index)}`);
    expect((await store.getMany(keys)).map(({ leaseKey }) => leaseKey)).toEqual(keys);
    expect(sent.map((command) => keysOf(command).length)).toEqual([100, 100, 30]);
    expect(sent[0]?.input).toMatchObject({ RequestItems: { [tableName]: { ConsistentRead: true } } });
  });

  it('asks again for those that were left out of an answer', async () => {
    let calls = 0;
    const { store, sent, clock } = aStore((command) => {
      const keys = keysOf(command);
      const answered = calls++ === 0 ? 0 : 1;
      return {
        Responses: { [tableName]: keys.slice(0, answered).map(row) },
        UnprocessedKeys: { [tableName]: { Keys: keys.slice(answered).map((key) => ({ leaseKey: { S: key } })) } },
      };
    });
    const reading = store.getMany(['a', 'b']);
    await clock.advance(0);
    // None was read: the table is busy, and is given a moment.
    expect(sent).toHaveLength(1);
    await clock.advance(1_000);
    expect((await reading).map(({ leaseKey }) => leaseKey)).toEqual(['a', 'b']);
    expect(sent.map(keysOf)).toEqual([['a', 'b'], ['a', 'b'], ['b']]);
  });
});
