import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { numbered, until, World } from './support/world';

// Ends a test that hangs; none waits for time to pass.
jest.setTimeout(90_000);

type Message = { readonly text: string } | { readonly holding: true } | { readonly acknowledged: number };

class WorkerProcess {
  readonly texts: string[] = [];
  holding = false;
  acknowledged = 0;
  exit: { readonly code: number | null; readonly signal: string | null } | undefined;
  errors = '';
  readonly #child: ChildProcess;

  constructor(world: World, env: Record<string, string> = {}) {
    this.#child = fork(join(__dirname, 'support', 'worker-process.mjs'), {
      env: {
        ...process.env,
        NODE_OPTIONS: '--no-warnings',
        KINESIS_ENDPOINT: world.aws.kinesisEndpoint,
        DYNAMODB_ENDPOINT: world.aws.dynamodbEndpoint,
        APPLICATION_NAME: world.applicationName,
        ...env,
      },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.#child.on('message', (message: Message) => {
      if ('text' in message) this.texts.push(message.text);
      else if ('holding' in message) this.holding = true;
      else this.acknowledged += message.acknowledged;
    });
    // Not 'exit': what the process has said may still be on its way then.
    this.#child.on('close', (code, signal) => (this.exit = { code, signal }));
    running.push(this);
  }

  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): void {
    this.#child.kill(signal);
  }

  async ended(): Promise<void> {
    await until(
      () => this.exit !== undefined,
      () => `the end of the process\n${this.errors}`,
    );
  }
}

let world: World;
const running: WorkerProcess[] = [];

beforeEach(async () => {
  world = await World.start();
});

afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exit === undefined) child.kill('SIGKILL');
    await child.ended();
  }
  await world.close();
});

describe('a worker in a process of its own', () => {
  it('that is killed between processing and checkpoint leads to delivery from the last checkpoint, exactly', async () => {
    await world.put(numbered(60));
    const first = new WorkerProcess(world, { HOLD_AFTER: '40' });
    await until(
      () => first.holding,
      () => first.errors,
    );
    first.kill('SIGKILL');
    await first.ended();
    expect(first.exit).toEqual({ code: null, signal: 'SIGKILL' });
    expect(first.texts).toEqual(numbered(40));
    expect(first.acknowledged).toBe(30);
    const second = new WorkerProcess(world);
    await until(
      () => second.acknowledged >= 30,
      () => second.errors,
    );
    expect(second.texts).toEqual(numbered(30, 30));
  });

  it('ends by itself with code 0 after SIGTERM, its lease given up at exactly what was acknowledged', async () => {
    await world.put(numbered(200));
    const first = new WorkerProcess(world);
    await until(
      () => first.acknowledged >= 50,
      () => first.errors,
    );
    first.kill('SIGTERM');
    await first.ended();
    expect(first.exit).toEqual({ code: 0, signal: null });
    expect(first.errors).toBe('');
    expect((await world.leaseRow())['leaseOwner']).toBeUndefined();
    expect(first.texts).toHaveLength(first.acknowledged);
    const second = new WorkerProcess(world);
    await until(
      () => first.acknowledged + second.acknowledged >= 200,
      () => second.errors,
    );
    expect([...first.texts, ...second.texts]).toEqual(numbered(200));
  });

  it.each(['manual', 'automatic'])(
    'ends by itself when the time to stop is over and a handler hangs, with %s checkpointing',
    async (checkpointing) => {
      await world.put(numbered(20));
      const env = { HOLD_AFTER: '10', STOP_TIMEOUT_MS: '500', CHECKPOINTING: checkpointing };
      const stuck = new WorkerProcess(world, env);
      await until(
        () => stuck.holding,
        () => stuck.errors,
      );
      stuck.kill('SIGTERM');
      await stuck.ended();
      expect(stuck.exit).toEqual({ code: 0, signal: null });
      const second = new WorkerProcess(world);
      await until(
        () => second.acknowledged >= 20,
        () => second.errors,
      );
      expect(second.texts).toEqual(numbered(20));
    },
  );

  it('that cannot finish is cut short by a second signal, and its lease expires', async () => {
    await world.put(numbered(20));
    const stuck = new WorkerProcess(world, { HOLD_AFTER: '10' });
    await until(
      () => stuck.holding,
      () => stuck.errors,
    );
    // Two of one kind might be delivered as one.
    stuck.kill('SIGTERM');
    stuck.kill('SIGINT');
    await stuck.ended();
    expect(stuck.exit?.code).toBe(0);
    const second = new WorkerProcess(world);
    await until(
      () => second.acknowledged >= 20,
      () => second.errors,
    );
    expect(second.texts).toEqual(numbered(20));
  });
});
