import type * as Undici from 'undici';

type UndiciParts = Pick<typeof Undici, 'buildConnector' | 'Client'>;

/* eslint-disable @typescript-eslint/no-require-imports -- an import cannot be left out, and bundlers see a require */
/**
 * What is used of undici, without its index: that one loads five times as many modules, which takes 80 ms and 9 MB more (measured), and
 * makes an agent of its own the one behind the `fetch` of the whole process, which is not ours to change.
 */
export const { buildConnector, Client } = undiciParts(
  () => ({
    buildConnector: require('undici/lib/core/connect.js') as unknown,
    Client: require('undici/lib/dispatcher/client.js') as unknown,
  }),
  () => require('undici') as UndiciParts,
);
/* eslint-enable @typescript-eslint/no-require-imports */

/** Where undici has its files, and what they export, is no promise of its: its index is loaded if they cannot be had. */
export function undiciParts(
  files: () => Readonly<Record<keyof UndiciParts, unknown>>,
  index: () => UndiciParts,
): UndiciParts {
  try {
    const parts = files();
    if (typeof parts.buildConnector === 'function' && typeof parts.Client === 'function') return parts as UndiciParts;
  } catch {
    // What is wrong with undici itself is wrong with its index, too, and said there.
  }
  return index();
}
