import { expect, it } from '@jest/globals';
import { SharedStream } from '../src/stream-names';

it('a shared stream is made by the first who asks, and waited for by the others', async () => {
  const shared = new SharedStream();
  const made: string[] = [];
  expect(shared.wasTried).toBe(false);
  const make = async (name: string): Promise<void> => {
    await Promise.resolve();
    made.push(name);
  };
  const names = await Promise.all([shared.ask(make), shared.ask(make), shared.ask(make)]);
  expect(names).toEqual([shared.name, shared.name, shared.name]);
  expect(made).toEqual([shared.name]);
});

it('a shared stream that could not be made is made by the next who asks', async () => {
  const shared = new SharedStream();
  const made: string[] = [];
  const failing = shared.ask(() => Promise.reject(new Error('the case has ended')));
  const waiting = [1, 2].map(() =>
    shared.ask(async (name) => {
      made.push(name);
    }),
  );
  await expect(failing).rejects.toThrow('the case has ended');
  expect(shared.wasTried).toBe(true);
  expect(await Promise.all(waiting)).toEqual([shared.name, shared.name]);
  expect(made).toEqual([shared.name]);
});
