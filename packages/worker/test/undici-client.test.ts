import { describe, expect, it } from '@jest/globals';
import { buildConnector, Client, undiciParts } from '../src/undici-client';

const index = { buildConnector, Client };

function failing(): never {
  throw new Error('no such file');
}

describe('undici', () => {
  it('is loaded without what changes the fetch of the process', async () => {
    const client = new Client('http://127.0.0.1:1', { connect: buildConnector({ timeout: 1 }) });
    await client.destroy();
    expect(Symbol.for('undici.globalDispatcher.1') in globalThis).toBe(false);
  });

  it.each([failing, () => ({ buildConnector, Client: {} })])(
    'is loaded as a whole if its files are not there, or something else: %#',
    (files) => {
      expect(undiciParts(files, () => index)).toBe(index);
    },
  );

  it('is not loaded at all if that fails as well', () => {
    expect(() => undiciParts(failing, failing)).toThrow('no such file');
  });
});
