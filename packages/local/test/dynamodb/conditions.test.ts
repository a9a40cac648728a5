import { describe, expect, it } from '@jest/globals';
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type PutItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { fixture, lease, TableName, withLeaseTable } from './service-fixture';

const Key = lease('shard-1');
const wanted = { TableName, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;
const counterIs = (value: number): Pick<PutItemCommandInput, 'ConditionExpression' | 'ExpressionAttributeValues'> => ({
  ConditionExpression: 'leaseCounter = :seen',
  ExpressionAttributeValues: { ':seen': { N: String(value) } },
});

async function failureOf(call: Promise<unknown>): Promise<ConditionalCheckFailedException> {
  const error: unknown = await call.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (error instanceof ConditionalCheckFailedException) return error;
  throw error;
}

async function itemOf(client: DynamoDBClient): Promise<Record<string, AttributeValue> | undefined> {
  return (await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item;
}

describe('a failed condition', () => {
  const Item = { ...Key, leaseCounter: { N: '7' }, leaseOwner: { S: 'worker-1' } };
  const writes = [
    ['PutItem', new PutItemCommand({ ...wanted, Item: Key, ...counterIs(6) })],
    ['DeleteItem', new DeleteItemCommand({ ...wanted, Key, ...counterIs(6) })],
    ['UpdateItem', new UpdateItemCommand({ ...wanted, Key, UpdateExpression: 'REMOVE leaseOwner', ...counterIs(6) })],
  ] as const;

  it.each(writes)('of %s shows the item if that is asked for', async (_, command) => {
    const { client } = await withLeaseTable();
    await client.send(new PutItemCommand({ TableName, Item }));
    const failure = await failureOf(client.send(command as PutItemCommand));
    expect(failure).toMatchObject({ Item, message: 'The conditional request failed' });
    expect(await itemOf(client)).toEqual(Item);
  });

  it.each(writes)('of %s shows no item if there is none', async (_, command) => {
    const { client } = await withLeaseTable();
    expect((await failureOf(client.send(command as PutItemCommand))).Item).toBeUndefined();
  });

  it('shows no item if that is not asked for', async () => {
    const { client } = await withLeaseTable();
    await client.send(new PutItemCommand({ TableName, Item }));
    const put = { TableName, Item: Key, ...counterIs(6) };
    expect((await failureOf(client.send(new PutItemCommand(put)))).Item).toBeUndefined();
    const none = { ...put, ReturnValuesOnConditionCheckFailure: 'NONE' } as const;
    expect((await failureOf(client.send(new PutItemCommand(none)))).Item).toBeUndefined();
  });

  it('refuses another wish, and shows nothing with another refusal', async () => {
    const { client } = await withLeaseTable();
    await client.send(new PutItemCommand({ TableName, Item }));
    const odd = { ...wanted, Item: Key, ReturnValuesOnConditionCheckFailure: 'ALL_NEW' as never };
    await expect(client.send(new PutItemCommand(odd))).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('Member must satisfy enum value set: [ALL_OLD, NONE]') as unknown,
    });
    const wrong = {
      ...wanted,
      Key,
      UpdateExpression: 'ADD leaseOwner :n',
      ExpressionAttributeValues: { ':n': { N: '1' } },
    };
    const refusal: unknown = await client.send(new UpdateItemCommand(wrong)).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ name: 'ValidationException' });
    expect(refusal).not.toHaveProperty('Item');
  });

  it('does not fail with a key of the wrong type', async () => {
    const { client } = await withLeaseTable();
    const put = { ...wanted, Item: { leaseKey: { N: '1' } }, ...counterIs(1) };
    await expect(client.send(new PutItemCommand(put))).rejects.toThrow('Type mismatch for key leaseKey');
    const nothing = client.send(new DeleteItemCommand({ ...wanted, Key: { other: { S: 'x' } }, ...counterIs(1) }));
    await expect(nothing).rejects.toThrow('The provided key element does not match the schema');
    await expect(fixture().client.send(new PutItemCommand({ ...wanted, Item: Key }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: 'Requested resource not found',
    });
  });
});

describe('many writers at once', () => {
  it('see, when they fail, the very item that their condition saw', async () => {
    const { client } = await withLeaseTable();
    await client.send(new PutItemCommand({ TableName, Item: { ...Key, leaseCounter: { N: '0' } } }));
    // Each takes the lease when the counter is what it believes; the failure tells what to believe next. An item that
    // equals the belief would have been read after a later write than the one that the condition saw.
    const worker = async (name: string): Promise<number> => {
      let lost = 0;
      for (let won = 0, belief = 0; won < 5;) {
        const take = new UpdateItemCommand({
          ...wanted,
          Key,
          UpdateExpression: 'SET leaseCounter = leaseCounter + :one, leaseOwner = :me, history.#n = :me',
          ConditionExpression: 'leaseCounter = :seen',
          ExpressionAttributeNames: { '#n': `t${belief}` },
          ExpressionAttributeValues: { ':one': { N: '1' }, ':me': { S: name }, ':seen': { N: String(belief) } },
        });
        try {
          await client.send(take);
          won++;
          belief++;
        } catch (error) {
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
          lost++;
          const { Item } = error;
          const counter = Number(Item?.['leaseCounter']?.N);
          expect(counter).not.toBe(belief);
          // The item is of one moment: its owner is who made that counter.
          expect(Object.keys(Item?.['history']?.M ?? {})).toHaveLength(counter);
          expect(Item?.['leaseOwner']).toEqual(Item?.['history']?.M?.[`t${counter - 1}`]);
          belief = counter;
        }
      }
      return lost;
    };
    await client.send(
      new UpdateItemCommand({
        TableName,
        Key,
        UpdateExpression: 'SET history = :empty',
        ExpressionAttributeValues: { ':empty': { M: {} } },
      }),
    );
    const losses = await Promise.all(Array.from({ length: 20 }, (_, index) => worker(`worker-${index}`)));
    expect(losses.reduce((sum, lost) => sum + lost, 0)).toBeGreaterThan(100);
    const item = await itemOf(client);
    expect(item?.['leaseCounter']).toEqual({ N: '100' });
    expect(Object.keys(item?.['history']?.M ?? {})).toHaveLength(100);
  });

  it('of which each wants to be the first: one is', async () => {
    const { client } = await withLeaseTable();
    const puts = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) =>
        client.send(
          new PutItemCommand({
            ...wanted,
            Item: { ...Key, leaseOwner: { S: `worker-${index}` } },
            ConditionExpression: 'attribute_not_exists(leaseKey)',
          }),
        ),
      ),
    );
    expect(puts.filter((put) => put.status === 'fulfilled')).toHaveLength(1);
    const item = await itemOf(client);
    for (const put of puts) {
      if (put.status === 'rejected') expect(put.reason).toMatchObject({ Item: item });
    }
  });
});

describe('maps and lists in conditions', () => {
  const stored = {
    m: { M: { a: { N: '1' }, b: { L: [{ S: 'x' }, { SS: ['p', 'q'] }] } } },
    l: { L: [{ S: 'x' }, { S: 'y' }] },
    s: { S: 'text' },
    e: { L: [] },
  };
  const same = { M: { b: { L: [{ S: 'x' }, { SS: ['q', 'p'] }] }, a: { N: '1.0' } } } satisfies AttributeValue;
  const holds = async (ConditionExpression: string, v: AttributeValue, w?: AttributeValue): Promise<boolean> => {
    const { client } = await withLeaseTable();
    await client.send(new PutItemCommand({ TableName, Item: { ...Key, ...stored } }));
    const ExpressionAttributeValues = { ':v': v, ...(w !== undefined && { ':w': w }) };
    try {
      await client.send(new PutItemCommand({ TableName, Item: Key, ConditionExpression, ExpressionAttributeValues }));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  };

  it.each<readonly [boolean, string, AttributeValue, AttributeValue?]>([
    [true, 'm = :v', same],
    [false, 'm <> :v', same],
    [true, ':v = m', same],
    [false, 'm = :v', { M: { a: { N: '1' } } }],
    [false, 'm = :v', { M: { a: { N: '1' }, c: { L: [{ S: 'x' }, { SS: ['p', 'q'] }] } } }],
    [false, 'm = :v', { M: { a: { S: '1' }, b: same.M.b } }],
    [false, ':v = m', { M: { a: { N: '1' } } }],
    [true, 'm <> :v', { M: {} }],
    [true, 'l = :v', { L: [{ S: 'x' }, { S: 'y' }] }],
    [false, 'l = :v', { L: [{ S: 'y' }, { S: 'x' }] }],
    [false, 'l = :v', { L: [{ S: 'x' }] }],
    [true, 'e = :v', { L: [] }],
    [true, 'l <> e AND e = :v', { L: [] }],
    [true, 'm.b[0] = l[0] AND l IN (:v, :w)', { S: 'x' }, { L: [{ S: 'x' }, { S: 'y' }] }],
    [false, 'l IN (:v, :w)', { L: [] }, same],
    [false, 'NOT (s = :v OR m = :w)', { S: 'other' }, same],
    [false, 's = :v', same],
    [true, 's <> :v', same],
    [false, 'absent = :v', { L: [] }],
    [true, 's = :v', { S: 'text' }],
  ])('are compared by what is in them (%s: %s)', async (...[outcome, condition, v, w]) => {
    expect(await holds(condition, v, w)).toBe(outcome);
  });
});
