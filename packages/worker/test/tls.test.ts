import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { isCutOff, isTransient } from '@millrace/core';
import { closeAll, open } from './support/direct-clients';
import { aHandler, bareServer, faultOf, requestTo, serve, until, waysToCall } from './support/http-handlers';
import { selfSigned, tlsFront, trust } from './support/tls';

const certificate = selfSigned();

afterEach(closeAll);

const kB = 1024;
/** What one piece of TLS holds, and where answers get memory of another kind, each with what is just beside. */
const lengths = [1, 100, 1_000_003, ...[16 * kB, 64 * kB, 6 * kB * kB].flatMap((at) => [at - 1, at, at + 1]), 17e6];
const bodies = lengths.map((length) => randomBytes(length));

describe.each(waysToCall)('calls over TLS: %s', (_, bytesOf) => {
  it.each([
    ['that is told, on connections that are kept', true, 'keep-alive'],
    ['that is not told, on connections that are kept', false, 'keep-alive'],
    ['that is told, on connections that are closed', true, 'close'],
    ['that is not told, on connections that are closed', false, 'close'],
  ])('answer byte for byte, of each length %s', async (__, isTold, connection) => {
    open.push(trust(certificate));
    const { endpoint } = await serve((response, ___, { path }) => {
      const body = bodies[Number(path.slice(1))]!;
      response.setHeader('connection', connection);
      if (isTold) response.setHeader('content-length', body.length);
      response.write(body);
      response.end();
    });
    const front = await tlsFront(endpoint, certificate, open);
    const handler = aHandler();
    for (let turn = 0; turn < 2; turn++) {
      const answers = await Promise.all(
        bodies.map((___, index) => bytesOf(handler, requestTo(front.endpoint, { path: `/${index}` }))),
      );
      expect(answers.map((answer, index) => bodies[index]!.equals(answer))).toEqual(bodies.map(() => true));
    }
  });

  it('use a connection again', async () => {
    open.push(trust(certificate));
    const { endpoint } = await serve((response) => response.end('{}'));
    const front = await tlsFront(endpoint, certificate, open);
    const handler = aHandler();
    for (let call = 0; call < 5; call++) await bytesOf(handler, requestTo(front.endpoint));
    expect(front.accepted).toHaveLength(1);
  });

  it.each([
    ['ends', 'end', true],
    ['ends without the notice that TLS has for it', 'end', false],
    ['is reset', 'resetAndDestroy', true],
  ] as const)(
    'fail where the connection %s amid an answer, as what is worth another attempt',
    async (__, how, endsWithNotice) => {
      open.push(trust(certificate));
      const half = `HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'a'.repeat(50_000)}`;
      const cut = await bareServer((socket) => socket.write(half, () => setImmediate(() => socket[how]())));
      const front = await tlsFront(cut, certificate, open, { endsWithNotice });
      const fault = await faultOf(bytesOf(aHandler(), requestTo(front.endpoint)));
      expect([isCutOff(fault), isTransient(fault)]).toEqual([true, true]);
    },
  );

  it('send nothing to a server whose certificate nobody vouches for, or is for another address', async () => {
    const { endpoint } = await serve((response) => response.end('{}'));
    const unknown = await tlsFront(endpoint, certificate, open);
    expect(await faultOf(bytesOf(aHandler(), requestTo(unknown.endpoint)))).toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    const ofAnother = selfSigned('192.0.2.1');
    open.push(trust(ofAnother));
    const another = await tlsFront(endpoint, ofAnother, open);
    expect(await faultOf(bytesOf(aHandler(), requestTo(another.endpoint)))).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    for (const { accepted } of [unknown, another]) {
      await until(() => accepted.every(({ isClosed }) => isClosed));
      expect(accepted).toEqual([{ receivedBytes: 0, isClosed: true }]);
    }
  });
});
