import { describe, expect, it } from '@jest/globals';
import { buildConnector, Client, undiciParts } from '../src/undici-client';

const index = { buildConnector, Client };

function failing(code: string): () => never {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

describe('undici', () => {
  it('is loaded without what changes the fetch of the process', async () => {
    const client = new Client('http://127.0.0.1:1', { connect: buildConnector({ timeout: 1 }) });
    await client.destroy();
    expect(Symbol.for('undici.globalDispatcher.1') in globalThis).toBe(false);
  });

  it.each([
    failing('MODULE_NOT_FOUND'),
    failing('ERR_PACKAGE_PATH_NOT_EXPORTED'),
    () => ({ buildConnector, Client: {} }),
  ])('is loaded as a whole if its files are not there, or something else: %#', (files) => {
    expect(undiciParts(files, () => index)).toBe(index);
  });

  it('is not loaded if it fails by itself', () => {
    expect(() => undiciParts(failing('EACCES'), () => index)).toThrow('EACCES');
  });
});
