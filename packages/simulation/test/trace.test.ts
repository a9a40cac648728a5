import { expect, it } from '@jest/globals';
import { Trace } from '../src/trace';

it('shows the last lines about a lease and about all of them in order, however much has happened to others since', () => {
  const trace = new Trace();
  trace.add(1_000, 'quiet', 'a', () => 'long ago');
  trace.add(2_000, undefined, 'b', () => 'everywhere');
  for (let at = 0; at < 10_000; at++) trace.add(3_000 + at, 'busy', 'c', () => `busy ${at}`);
  const texts = (leaseKey: string | undefined): string[] =>
    trace.lastLines(leaseKey).map((line) => line.replace(/^.* s {2}\S+\s+/, ''));
  expect(texts('quiet')).toEqual(['long ago', 'everywhere']);
  expect(texts('busy')).toHaveLength(60);
  expect(texts('busy').slice(0, 2)).toEqual(['busy 9940', 'busy 9941']);
  expect(texts(undefined).at(-1)).toBe('busy 9999');
});
