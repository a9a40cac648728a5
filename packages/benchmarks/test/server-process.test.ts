import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { EmulatorName } from '../src/local/emulators';
import { ServerProcess } from '../src/server-process';
import type { Ready } from '../src/server-side';
import { built } from './support/built';

// Ends a test that hangs; none waits for time to pass.
jest.setTimeout(60_000);

const { signal } = new AbortController();
const running: ServerProcess[] = [];
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'benchmarks-'));
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  rmSync(directory, { recursive: true });
});

async function start(emulator: EmulatorName): Promise<ServerProcess> {
  const server = await ServerProcess.start({ path: built(`local/${emulator}-server.js`) }, signal);
  running.push(server);
  return server;
}

function scriptThat(does: string): { readonly path: string } {
  const path = join(directory, 'server.cjs');
  writeFileSync(path, does);
  return { path };
}

function isOpen(endpoint: string, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(new URL(endpoint).port) });
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function untilClosed(endpoint: string): Promise<void> {
  while (await isOpen(endpoint)) await sleep(10);
}

describe('a server in a process of its own', () => {
  it('says where it is, on the loopback address, and how long it took', async () => {
    const { ready, spawnMs } = await start('local');
    expect(ready.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await isOpen(ready.endpoint)).toBe(true);
    const { loadMs = NaN, startMs = NaN } = ready;
    expect(loadMs).toBeGreaterThan(0);
    expect(startMs).toBeGreaterThan(0);
    expect(spawnMs).toBeGreaterThan(loadMs + startMs);
  });

  it('is reached at the loopback address only, also when it is kinesis-local, which would listen everywhere', async () => {
    const { ready } = await start('kinesis-local');
    expect(await isOpen(ready.endpoint)).toBe(true);
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address, scopeid }) => (scopeid ? `${address}%${scopeid}` : address))
      .filter((address) => address !== '127.0.0.1');
    const open = await Promise.all(others.map((address) => isOpen(ready.endpoint, address)));
    expect(others.filter((_, index) => open[index])).toEqual([]);
  });

  it('says what processor time it has used, which grows', async () => {
    const server = await start('local');
    const beforeMs = await server.cpuMs(signal);
    expect(beforeMs).toBeGreaterThan(0);
    while ((await server.cpuMs(signal)) <= beforeMs) await isOpen(server.ready.endpoint);
  });

  it('is gone when it has been stopped, which may be done twice', async () => {
    const server = await start('local');
    await server.stop();
    expect(await isOpen(server.ready.endpoint)).toBe(false);
    await server.stop();
  });

  it('ends by itself when its parent is killed', async () => {
    const parent = fork(join(__dirname, 'support', 'parent-process.mjs'), {
      env: {
        ...process.env,
        SERVER_PROCESS: built('server-process.js'),
        SERVER_SCRIPT: built('local/local-server.js'),
      },
    });
    try {
      const [ready] = (await once(parent, 'message')) as [Ready];
      expect(await isOpen(ready.endpoint)).toBe(true);
      parent.kill('SIGKILL');
      await untilClosed(ready.endpoint);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('that ends before it is ready is a failure, with the code it ended with', async () => {
    const starting = ServerProcess.start(scriptThat('process.exit(3)'), signal);
    await expect(starting).rejects.toThrow('the server process has ended: exit code 3');
  });

  it('that is not ready when it is no longer wanted is killed', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const ending = new AbortController();
    const starting = ServerProcess.start(
      scriptThat(`require('node:net').connect(${port}, '127.0.0.1')`),
      ending.signal,
    );
    const [socket] = (await once(listener, 'connection')) as [Socket];
    const closed = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
    socket.resume();
    ending.abort(new Error('no longer wanted'));
    await expect(starting).rejects.toMatchObject({ cause: { message: 'no longer wanted' } });
    await closed;
    listener.close();
  });
});
