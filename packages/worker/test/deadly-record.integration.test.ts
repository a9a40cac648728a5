import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { numbered, until, World } from './support/world';

// Ends a test that hangs; none waits for time to pass.
jest.setTimeout(120_000);

interface Message {
  readonly texts?: readonly string[];
  readonly letter?: { readonly text: string; readonly reason: string; readonly attempts: number };
  readonly heldBack?: { readonly crashes: number; readonly resumesInMs: number };
}

const recordCount = 40;
const [deadlyText = ''] = numbered(1, 23);

let world: World;
const running = new Set<ChildProcess>();

beforeEach(async () => {
  world = await World.start();
  await world.put(numbered(recordCount));
});

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  await until(
    () => running.size === 0,
    () => 'the end of all processes',
  );
  await world.close();
});

/** One worker process, until it has aborted, or until it has said something of the kind that is waited for. */
async function live(policy: 'block' | 'deadLetter', isEnough: (said: readonly Message[]) => boolean) {
  const said: Message[] = [];
  let errors = '';
  let exit: { readonly signal: string | null } | undefined;
  const child = fork(join(__dirname, 'support', 'deadly-record-process.mjs'), {
    env: {
      ...process.env,
      NODE_OPTIONS: '--no-warnings',
      KINESIS_ENDPOINT: world.aws.kinesisEndpoint,
      DYNAMODB_ENDPOINT: world.aws.dynamodbEndpoint,
      APPLICATION_NAME: world.applicationName,
      DEADLY_TEXT: deadlyText,
      FAILURE_POLICY: policy,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  running.add(child);
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.on('message', (message: Message) => said.push(message));
  // Not 'exit': what the process has said may still be on its way then.
  child.on('close', (_, signal) => {
    running.delete(child);
    exit = { signal };
  });
  await until(
    () => exit !== undefined || isEnough(said),
    () => errors,
  );
  const hasEnded = exit !== undefined;
  child.kill('SIGKILL');
  await until(
    () => exit !== undefined,
    () => errors,
  );
  return { said, hasAborted: hasEnded && exit?.signal === 'SIGABRT', errors };
}

describe('a record at which the process aborts', () => {
  it('becomes a dead letter without being delivered again, and all others are processed', async () => {
    const texts = new Set<string>();
    const letters: Message['letter'][] = [];
    let aborts = 0;
    const isAllDone = (said: readonly Message[]): boolean =>
      letters.length + said.filter(({ letter }) => letter !== undefined).length > 0 &&
      new Set([...texts, ...said.flatMap(({ texts: some = [] }) => some)]).size >= recordCount - 1;
    for (let lives = 0; lives < 12; lives++) {
      const { said, hasAborted, errors } = await live('deadLetter', isAllDone);
      for (const { texts: some = [], letter } of said) {
        for (const text of some) texts.add(text);
        if (letter !== undefined) letters.push(letter);
      }
      if (!hasAborted) {
        expect(errors).toContain('record became a dead letter');
        break;
      }
      aborts++;
    }
    expect(letters).toEqual([{ text: deadlyText, reason: 'crashes', attempts: 2 }]);
    expect([...texts].sort()).toEqual(
      numbered(recordCount)
        .filter((text) => text !== deadlyText)
        .sort(),
    );
    // Two before anybody looked, some to find it, two by itself.
    expect(aborts).toBeGreaterThanOrEqual(5);
  });

  it('is held back where no record may be let go', async () => {
    const isHeldBack = (said: readonly Message[]): boolean => said.some(({ heldBack }) => heldBack !== undefined);
    for (let lives = 0; lives < 12; lives++) {
      const { said, hasAborted } = await live('block', isHeldBack);
      if (hasAborted) continue;
      expect(said.at(-1)).toEqual({ heldBack: { crashes: 2, resumesInMs: 1_500 } });
      const row = await world.leaseRow();
      expect(row['millraceAttempted']?.S).toMatch(/^\d+\/0 \d+\/0 1 2$/);
      return;
    }
    throw new Error('it was not held back');
  });
});
