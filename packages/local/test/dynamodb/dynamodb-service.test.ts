import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { DescribeTableCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { ConfigError } from '@millrace/core';
import { ManualClock } from '@millrace/core/testing';
import { DynamoDbService } from '../../src/dynamodb/dynamodb-service';
import type { ServiceReply } from '../../src/service/service';
import { clientOf, fixture, lease, rawRequest, TableName, withLeaseTable } from './service-fixture';

function membersOf({ body }: ServiceReply): Record<string, unknown> {
  return JSON.parse(String(body)) as Record<string, unknown>;
}

describe('an answer', () => {
  it('has the date of the clock, a request id, the content type of the request and the checksum of its body', async () => {
    const { service, clock } = fixture();
    await clock.advance(5000);
    const { statusCode, headers, body } = service.answer(rawRequest('ListTables'));
    expect(statusCode).toBe(200);
    expect(body).toBe('{"TableNames":[]}');
    expect(headers).toMatchObject({
      date: new Date(clock.wallTime()).toUTCString(),
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-crc32': String(crc32('{"TableNames":[]}')),
    });
    const again = service.answer(rawRequest('ListTables', {}, { 'content-type': 'application/json; charset=utf-8' }));
    expect(again.headers['content-type']).toBe('application/json');
    expect(again.headers['x-amzn-requestid']).toMatch(/^[0-9A-Z]{52}$/);
    expect(again.headers['x-amzn-requestid']).not.toBe(headers['x-amzn-requestid']);
  });

  it('passes the checksum that the SDK verifies, with text that is not ASCII', async () => {
    const { client } = await withLeaseTable();
    const Item = lease('schlüssel-✓', { owner: { S: '漢字 😀' } });
    await client.send(new PutItemCommand({ TableName, Item }));
    const { Item: found } = await client.send(new GetItemCommand({ TableName, Key: lease('schlüssel-✓') }));
    expect(found).toEqual(Item);
  });
});

describe('what is no call', () => {
  const { service } = fixture();
  const refusals: readonly [string, Parameters<typeof rawRequest>, number, string][] = [
    ['broken JSON', ['ListTables', '{"Limit": 1'], 400, 'com.amazon.coral.service#SerializationException'],
    ['an empty body', ['ListTables', ''], 400, 'com.amazon.coral.service#SerializationException'],
    ['JSON null', ['ListTables', 'null'], 400, 'com.amazon.coral.service#SerializationException'],
    ['a JSON list', ['PutItem', '[]'], 400, 'com.amazon.coral.service#SerializationException'],
    ['a wrong type', ['ListTables', { Limit: 'x' }], 400, 'com.amazon.coral.service#SerializationException'],
    ['an unknown operation', ['ExecuteStatement'], 400, 'com.amazon.coral.service#UnknownOperationException'],
    ['a member of Object', ['constructor'], 400, 'com.amazon.coral.service#UnknownOperationException'],
    ['no target', [undefined], 400, 'com.amazon.coral.service#UnknownOperationException'],
    [
      'no signature',
      ['ListTables', {}, { authorization: undefined }],
      400,
      'com.amazon.coral.service#MissingAuthenticationTokenException',
    ],
    ['too large a body', ['ListTables', ' '.repeat(17 << 20)], 413, '#RequestEntityTooLargeException'],
    ['a missing parameter', ['GetItem', { Key: {} }], 400, 'com.amazon.coral.validate#ValidationException'],
  ];

  it.each(refusals)('is refused: %s', (_, request, statusCode, type) => {
    const reply = service.answer(rawRequest(...request));
    expect(reply.statusCode).toBe(statusCode);
    expect(membersOf(reply)['__type']).toContain(type);
    expect(reply.headers['date']).toBeDefined();
  });

  it('is refused without JSON when it does not say that it is JSON', () => {
    const reply = service.answer(rawRequest('ListTables', {}, { 'content-type': 'text/plain' }));
    expect([reply.statusCode, reply.body]).toEqual([404, '<UnknownOperationException/>\n']);
    expect(service.answer({ ...rawRequest('ListTables'), method: 'PUT' }).statusCode).toBe(404);
    expect(reply.headers['x-amz-crc32']).toBe('3552371480');
  });

  it('is told that all is well when it only asks for that', () => {
    const reply = service.answer({ method: 'GET', path: '/', headers: {}, body: new Uint8Array() });
    expect([reply.statusCode, reply.headers['x-amz-crc32']]).toEqual([200, '3128867991']);
  });
});

describe('a fault inside of dynalite', () => {
  it('is an answer with status 500, after which everything goes on, the same item too', async () => {
    const { service, client } = await withLeaseTable();
    await client.send(new PutItemCommand({ TableName, Item: lease('a', { n: { N: '1' } }) }));
    const values = { ':zero': { N: '0' } };
    // The upper bound is not there: dynalite throws, where its own storage would have called it back.
    const reply = service.answer(
      rawRequest('PutItem', {
        TableName,
        Item: lease('a'),
        ConditionExpression: 'n BETWEEN :zero AND absentBound',
        ExpressionAttributeValues: values,
      }),
    );
    expect(reply.statusCode).toBe(500);
    expect(membersOf(reply)['__type']).toBe('com.amazonaws.dynamodb.v20120810#InternalServerError');
    await client.send(new PutItemCommand({ TableName, Item: lease('a', { n: { N: '2' } }) }));
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: lease('a') }));
    expect(Item).toEqual(lease('a', { n: { N: '2' } }));
  });

  it('is an answer too when it happens among the items of a page', async () => {
    const { service, client } = await withLeaseTable();
    await client.send(new PutItemCommand({ TableName, Item: lease('a', { n: { N: '1' } }) }));
    const filter = {
      TableName,
      FilterExpression: 'n BETWEEN :zero AND absentBound',
      ExpressionAttributeValues: { ':zero': { N: '0' } },
    };
    expect(service.answer(rawRequest('Scan', filter)).statusCode).toBe(500);
    expect(service.answer(rawRequest('Scan', { TableName })).statusCode).toBe(200);
  });
});

describe('a refusal beforehand', () => {
  it.each([
    ['ProvisionedThroughputExceededException', 'com.amazonaws.dynamodb.v20120810#'],
    ['RequestLimitExceeded', 'com.amazonaws.dynamodb.v20120810#'],
    ['ThrottlingException', 'com.amazon.coral.availability#'],
    ['UnrecognizedClientException', 'com.amazon.coral.service#'],
    ['ValidationException', 'com.amazon.coral.validate#'],
  ])('is shown by the SDK under its name: %s', async (errorName, namespace) => {
    const { service } = await withLeaseTable();
    let reply: ServiceReply | undefined;
    const client = clientOf((request) => {
      reply = service.refuse(request, { errorName, statusCode: 400, message: 'slower, please' });
      return reply;
    });
    const put = client.send(new PutItemCommand({ TableName, Item: lease('a') }));
    await expect(put).rejects.toMatchObject({ name: errorName, message: 'slower, please' });
    expect(reply && membersOf(reply)['__type']).toBe(`${namespace}${errorName}`);
    expect(reply?.headers['content-type']).toBe('application/x-amz-json-1.0');
    const found = service.answer(rawRequest('GetItem', { TableName, Key: lease('a') }));
    expect(membersOf(found)).toEqual({});
  });

  it('has the status that it is given', () => {
    const refusal = { errorName: 'InternalServerError', statusCode: 500, message: '' };
    expect(fixture().service.refuse(rawRequest('PutItem'), refusal).statusCode).toBe(500);
  });
});

describe('which call it is', () => {
  const { service } = fixture();
  const resourceOf = (body: unknown): string | undefined => service.callOf(rawRequest('Any', body)).resource;

  it('is read from target, body and signature', async () => {
    let operation: string | undefined;
    const client = clientOf((request) => {
      const call = service.callOf(request);
      operation = call.operation;
      expect(call).toEqual({
        service: 'dynamodb',
        operation: 'DescribeTable',
        resource: TableName,
        shardId: undefined,
        accessKeyId: 'AKIDLOCAL',
      });
      return service.answer(request);
    });
    await expect(client.send(new DescribeTableCommand({ TableName }))).rejects.toThrow('not found');
    expect(operation).toBe('DescribeTable');
  });

  it('finds the table in an ARN and in the requests of a batch, if there is one only', () => {
    expect(resourceOf({ TableName: 'arn:aws:dynamodb:us-east-1:000000000000:table/leases' })).toBe('leases');
    expect(resourceOf({ ResourceArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/leases/index/i' })).toBe('leases');
    expect(resourceOf({ RequestItems: { leases: {} } })).toBe('leases');
    expect(resourceOf({ RequestItems: { leases: {}, others: {} } })).toBeUndefined();
  });

  it.each(['', 'null', '7', '[]', '{', '{"TableName":7}', '{"RequestItems":[]}', '{"RequestItems":null}', '\u0000'])(
    'is unknown, but no error, for a body like %j',
    (body) => {
      expect(service.callOf(rawRequest(undefined, body, { authorization: 'Basic x' }))).toEqual({
        service: 'dynamodb',
      });
    },
  );
});

describe('the options', () => {
  it('are refused all at once when they are out of range', () => {
    const options = { clock: new ManualClock(), region: 'US', accountId: '7', tableTransitionMs: -1 };
    expect(() => new DynamoDbService(options)).toThrow(ConfigError);
    expect(() => new DynamoDbService(options)).toThrow(/region.*accountId.*tableTransitionMs/s);
  });
});

describe('an operation without a request around it', () => {
  it('does what the operation does, and throws what it refuses', () => {
    const { service } = fixture();
    service.handle('CreateTable', {
      TableName: 'leases',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
    });
    const Item = { leaseKey: { S: 'a' }, leaseCounter: { N: '1' } };
    service.handle('PutItem', { TableName: 'leases', Item });
    expect(service.handle('GetItem', { TableName: 'leases', Key: { leaseKey: { S: 'a' } } })).toEqual({ Item });
    expect(() =>
      service.handle('PutItem', { TableName: 'leases', Item, ConditionExpression: 'attribute_not_exists(leaseKey)' }),
    ).toThrow(expect.objectContaining({ name: 'ConditionalCheckFailedException' }));
    expect(() => service.handle('TransactWriteItems', {})).toThrow(
      expect.objectContaining({ name: 'UnknownOperationException' }),
    );
  });
});
