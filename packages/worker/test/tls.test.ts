import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { isCutOff, isTransient } from '@millrace/core';
import { closeAll, open } from './support/direct-clients';
import { aHandler, bareServer, faultOf, requestTo, serve, waysToCall } from './support/http-handlers';
import { selfSigned, tlsFront, trust, type Certificate, type TlsFront } from './support/tls';
import { watchMemories } from './support/web-assembly';

const certificate = selfSigned();
const memories = watchMemories();

afterEach(closeAll);

async function frontOf(endpoint: string, shown: Certificate = certificate): Promise<TlsFront> {
  const front = await tlsFront(endpoint, shown);
  open.push(() => front.close());
  return front;
}

describe.each(waysToCall)('calls over TLS: %s', (_, bytesOf) => {
  it('answer byte for byte, whatever the length: known or not, on connections that are kept or closed', async () => {
    open.push(trust(certificate));
    // What one piece of TLS holds, and the memory that is kept for answers, with what is just beside.
    const lengths = [1, 100, 16_383, 16_384, 16_385, 32_768, 65_535, 65_536, 65_537, 1_000_003, 6_300_000, 14_000_000];
    const bodies = lengths.map((length) => randomBytes(length));
    const { endpoint } = await serve((response, call, { path }) => {
      const body = bodies[Number(path.slice(1))]!;
      if (call % 3 === 0) response.setHeader('content-length', body.length);
      if (call % 5 === 0) response.setHeader('connection', 'close');
      response.end(body);
    });
    const front = await frontOf(endpoint);
    const handler = aHandler();
    for (let turn = 0; turn < 4; turn++) {
      const answers = await Promise.all(
        bodies.map((__, index) => bytesOf(handler, requestTo(front.endpoint, { path: `/${index}` }))),
      );
      expect(answers.map((answer, index) => bodies[index]!.equals(answer))).toEqual(bodies.map(() => true));
    }
    expect(memories.map(({ buffer }) => buffer.byteLength)).toEqual([128 * 1024]);
  }, 60_000);

  it('use a connection again', async () => {
    open.push(trust(certificate));
    const { endpoint } = await serve((response) => response.end('{}'));
    const front = await frontOf(endpoint);
    const handler = aHandler();
    for (let call = 0; call < 5; call++) await bytesOf(handler, requestTo(front.endpoint));
    expect(front.connections()).toBe(1);
  });

  it('fail where an answer is cut off, as what is worth another attempt', async () => {
    open.push(trust(certificate));
    const cut = await bareServer((socket) => {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'a'.repeat(50_000)}`);
    });
    const front = await frontOf(cut);
    const fault = await faultOf(bytesOf(aHandler(), requestTo(front.endpoint)));
    expect([isCutOff(fault), isTransient(fault)]).toEqual([true, true]);
  });

  it('are not sent to a server whose certificate nobody vouches for, or is for another address', async () => {
    const { endpoint, received } = await serve((response) => response.end('{}'));
    const unknown = await frontOf(endpoint);
    expect(await faultOf(bytesOf(aHandler(), requestTo(unknown.endpoint)))).toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    const ofAnother = selfSigned('192.0.2.1');
    open.push(trust(ofAnother));
    const another = await frontOf(endpoint, ofAnother);
    expect(await faultOf(bytesOf(aHandler(), requestTo(another.endpoint)))).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(received).toEqual([]);
  });
});
