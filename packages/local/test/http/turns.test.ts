import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { httpFace } from '../../src/http/http-face';
import { listen } from '../../src/http/loopback-server';
import { Turns } from '../../src/http/turns';
import type { Service, ServiceReply } from '../../src/service/service';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Turns', () => {
  it('runs the first task at once, and each of the others in a turn of its own, in order', async () => {
    const turns = new Turns();
    const ran: string[] = [];
    for (const name of ['a', 'b', 'c']) turns.take(() => ran.push(name));
    expect(ran).toEqual(['a']);
    await turn();
    expect(ran).toEqual(['a', 'b']);
    turns.take(() => ran.push('d'));
    expect(ran).toEqual(['a', 'b']);
    await turn();
    expect(ran).toEqual(['a', 'b', 'c']);
    await turn();
    expect(ran).toEqual(['a', 'b', 'c', 'd']);
  });

  it('runs a task at once again when a turn has passed without one', async () => {
    const turns = new Turns();
    const ran: string[] = [];
    turns.take(() => ran.push('a'));
    await turn();
    turns.take(() => ran.push('b'));
    expect(ran).toEqual(['a', 'b']);
    turns.take(() => ran.push('c'));
    expect(ran).toEqual(['a', 'b']);
    await turn();
    expect(ran).toEqual(['a', 'b', 'c']);
  });

  it('lets a task take a later turn', async () => {
    const turns = new Turns();
    const ran: string[] = [];
    turns.take(() => turns.take(() => ran.push('later')));
    expect(ran).toEqual([]);
    await turn();
    expect(ran).toEqual(['later']);
  });
});

const reply: ServiceReply = { statusCode: 200, headers: {}, body: '{}' };
const service: Service = {
  callOf: () => ({
    service: 'kinesis',
    operation: undefined,
    resource: undefined,
    shardId: undefined,
    accessKeyId: undefined,
  }),
  answer: () => reply,
  refuse: () => reply,
};

describe('a busy server', () => {
  it('accepts newcomers while others call without a pause', async () => {
    const exchange = async () => ({ kind: 'reply', reply }) as const;
    const face = httpFace({ service, exchange, maxBodyBytes: 1_000 });
    const server = await listen({ host: '127.0.0.1', port: 0, clientTimeoutMs: 60_000 }, face);
    const post = async (agent: Agent): Promise<void> => {
      const request = httpRequest({ port: server.port, host: '127.0.0.1', method: 'POST', agent });
      request.end('{}');
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      await once(response.resume(), 'end');
    };
    const busyAgent = new Agent({ keepAlive: true });
    let busyCalls = 0;
    let areNewcomersIn = false;
    const busy = Array.from({ length: 50 }, async () => {
      while (!areNewcomersIn) {
        await post(busyAgent);
        busyCalls++;
      }
    });
    while (busyCalls < 500) await turn();
    const before = busyCalls;
    await Promise.all(Array.from({ length: 40 }, () => post(new Agent())));
    const meanwhile = busyCalls - before;
    areNewcomersIn = true;
    await Promise.all(busy);
    busyAgent.destroy();
    await server.close();
    expect(meanwhile).toBeLessThan(600);
  });
});
