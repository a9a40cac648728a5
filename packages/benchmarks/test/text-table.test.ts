import { expect, it } from '@jest/globals';
import { textTable } from '../src/text-table';

it('a table of text has columns as wide as their widest cell, words to the left and numbers to the right', () => {
  const rows = [
    ['local', '1', '40000'],
    ['kinesis-local', '16', ''],
  ];
  expect(textTable(['emulator', 'shards', 'in'], rows, 1)).toEqual([
    'emulator       shards     in',
    'local               1  40000',
    'kinesis-local      16',
  ]);
});
