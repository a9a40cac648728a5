import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type AuthScheme, RequestSigner } from '../src/request-signer';
import type { HttpRequest } from '../src/wire-types';
import { expectedAuthorization, type Keys } from './support/wire';

const [region, service] = ['eu-west-1', 'kinesis'];
const keys: Keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret' };
const hourMs = 3_600_000;

const steady: Omit<HttpRequest, 'body'> = {
  ...{ method: 'POST', protocol: 'https:', hostname: 'kinesis.eu-west-1.amazonaws.com', path: '/', query: {} },
  headers: {
    'content-type': 'application/x-amz-json-1.1',
    host: 'kinesis.eu-west-1.amazonaws.com',
    'user-agent': 'somebody',
    'x-amz-target': 'Kinesis_20131202.GetRecords',
  },
};

function authorizationOf({ headers, body }: HttpRequest, by: Keys, signedNames?: readonly string[]): string {
  const named = signedNames && { authorization: `SignedHeaders=${signedNames.join(';')}, ` };
  const received = { method: 'POST', path: '/', headers: { ...headers, ...named }, body: String(body) };
  return expectedAuthorization(received, by, region, service);
}

/** What the SDK's signer makes of a request, with keys that may change, and how often it was asked. */
class Sdk {
  calls = 0;
  keys = keys;
  readonly config = {
    systemClockOffset: 0,
    credentials: () => Promise.resolve(this.keys),
    disableClockSkewCorrection: () => Promise.resolve(this.ignoresSkew),
  };
  ignoresSkew = false;
  /** With which notes it was told how a call ended. */
  readonly told: object[] = [];
  /** Of a signer of the user's own. */
  changed: Readonly<Record<string, string>> = {};

  readonly scheme: AuthScheme = {
    httpAuthOption: { signingProperties: { config: this.config } },
    identity: undefined,
    signer: {
      sign: (request) => {
        this.calls++;
        const { sessionToken } = this.keys;
        const headers: Record<string, string> = {
          ...request.headers,
          'x-amz-date': new Date().toISOString().replace(/[-:]|\.\d+/g, ''),
          'x-amz-content-sha256': createHash('sha256').update(String(request.body)).digest('hex'),
          ...(sessionToken !== undefined && { 'x-amz-security-token': sessionToken }),
        };
        const names = Object.keys(headers).filter((name) => name !== 'user-agent');
        const authorization = authorizationOf({ ...request, headers }, this.keys, names.sort());
        return Promise.resolve({ ...request, headers: { ...headers, authorization, ...this.changed } });
      },
      successHandler: (_, properties) => void this.told.push(properties),
      errorHandler: (properties) => (error) => {
        this.told.push(properties);
        throw error;
      },
    },
  };

  /** A signer that has had its example. */
  async taught(): Promise<RequestSigner> {
    const signer = new RequestSigner(steady, this.scheme);
    await signer.sign('{}');
    await new Promise(setImmediate);
    return signer;
  }
}

function hourOf({ headers }: HttpRequest): number {
  const at = String(headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:');
  // Not -0.
  return Math.round((Date.parse(at) - Date.now()) / hourMs) + 0;
}

const answer = (aheadMs: number) => ({
  statusCode: 200,
  headers: { date: new Date(Date.now() + aheadMs).toUTCString() },
  body: undefined,
});

describe('RequestSigner', () => {
  it('signs as the SDK does, which has signed once', async () => {
    const sdk = new Sdk();
    const signer = await sdk.taught();
    for (const body of ['{"a":1}', '{"ä":"ö"}', '{}']) {
      const { request } = await signer.sign(body);
      const bySdk = await sdk.scheme.signer.sign({ ...request, headers: steadyWithLength(body) }, undefined, {});
      expect(Object.keys(request.headers).sort()).toEqual(Object.keys(bySdk.headers).sort());
      expect(request.headers['authorization']).toBe(authorizationOf(request, keys));
      expect(request.headers['content-length']).toBe(String(Buffer.byteLength(body)));
      expect(request.body).toBe(body);
    }
    expect(sdk.calls).toBe(4);
  });

  it.each([
    ['other keys', { accessKeyId: 'AKIDOTHER', secretAccessKey: 'another secret' }],
    ['a session', { ...keys, sessionToken: 'a token' }],
  ])('goes over to %s, and back', async (_, others) => {
    const sdk = new Sdk();
    const signer = await sdk.taught();
    for (const by of [others, keys, others]) {
      sdk.keys = by;
      const { request } = await signer.sign('{"a":1}');
      expect(request.headers['x-amz-security-token']).toBe((by as Keys).sessionToken);
      expect(request.headers['authorization']).toBe(authorizationOf(request, by));
    }
    expect(sdk.calls).toBe(1);
  });

  it('signs the token of a session when the example had one', async () => {
    const sdk = new Sdk();
    sdk.keys = { ...keys, sessionToken: 'a token' };
    const { request } = await (await sdk.taught()).sign('{}');
    expect(request.headers['authorization']).toContain('x-amz-date;x-amz-security-token;x-amz-target,');
    expect(request.headers['authorization']).toBe(authorizationOf(request, sdk.keys));
    expect(sdk.calls).toBe(1);
  });

  it.each([
    ['signs otherwise', { authorization: 'AWS4-ECDSA-P256-SHA256 Credential=a/b, SignedHeaders=host, Signature=c' }],
    ['adds a header', { 'x-mine': '1' }],
    ['changes a header that is not signed', { 'user-agent': 'another' }],
  ])('leaves every call to a signer that %s', async (_, changed) => {
    const sdk = new Sdk();
    sdk.changed = changed;
    const signer = await sdk.taught();
    const { request } = await signer.sign('{}');
    expect(request.headers).toMatchObject(changed);
    expect(sdk.calls).toBe(2);
  });

  it('leaves every call to the SDK when its keys have changed since the example', async () => {
    const sdk = new Sdk();
    const signer = new RequestSigner(steady, sdk.scheme);
    const first = signer.sign('{}');
    sdk.keys = { ...keys, secretAccessKey: 'another secret' };
    await first;
    await new Promise(setImmediate);
    await signer.sign('{}');
    expect(sdk.calls).toBe(2);
  });

  it('signs by the client’s idea of the service’s time, and tells the SDK how each call ended', async () => {
    const sdk = new Sdk();
    const signer = await sdk.taught();
    sdk.config.systemClockOffset = hourMs;
    const { request, answered, refused } = await signer.sign('{}');
    expect(hourOf(request)).toBe(1);
    answered(answer(hourMs));
    expect(() => refused(new Error('refused'))).toThrow('refused');
    const told = { config: sdk.config, _requestSentAt: expect.closeTo(Date.now(), -5) as unknown };
    expect(sdk.told).toEqual([told, told]);
  });

  it('tells the SDK of the service’s time once for each second of it', async () => {
    const sdk = new Sdk();
    const signer = await sdk.taught();
    for (const atMs of [hourMs, hourMs, hourMs + 1_000, hourMs + 1_000])
      (await signer.sign('{}')).answered(answer(atMs));
    expect(sdk.told).toHaveLength(2);
  });

  it('keeps to the clock of the machine if the client is told to', async () => {
    const sdk = new Sdk();
    sdk.ignoresSkew = true;
    const signer = await sdk.taught();
    const { answered } = await signer.sign('{}');
    answered(answer(hourMs));
    expect(sdk.told).toEqual([]);
    sdk.config.systemClockOffset = hourMs;
    expect(hourOf((await signer.sign('{}')).request)).toBe(0);
  });

  it('rejects as the provider of the keys does', async () => {
    const sdk = new Sdk();
    const signer = await sdk.taught();
    sdk.config.credentials = () => Promise.reject(new Error('the session has ended'));
    await expect(signer.sign('{}')).rejects.toThrow('the session has ended');
  });
});

function steadyWithLength(body: string): Readonly<Record<string, string>> {
  return { ...steady.headers, 'content-length': String(Buffer.byteLength(body)) };
}
