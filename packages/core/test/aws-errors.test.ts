import { describe, expect, it } from '@jest/globals';
import { isAccessDenied, isTransient } from '../src';

const named = (name: string, more: object = {}): Error => Object.assign(new Error(name), { name, ...more });

describe('isTransient', () => {
  it.each([
    ['a reset connection', named('Error', { code: 'ECONNRESET' })],
    ['a time-out of the SDK', named('TimeoutError')],
    ['a fault of the service', named('SomeException', { $metadata: { httpStatusCode: 503 } })],
    ['a cause that is', new Error('wrapped', { cause: named('Error', { code: 'EPIPE' }) })],
  ])('is %s', (_, error) => {
    expect(isTransient(error)).toBe(true);
  });

  it.each([
    ['a refusal', named('ValidationException', { $metadata: { httpStatusCode: 400 } })],
    ['an error of the program', new TypeError('x is not a function')],
    ['no error at all', 'ECONNRESET'],
  ])('is not %s', (_, error) => {
    expect(isTransient(error)).toBe(false);
  });
});

describe('isAccessDenied', () => {
  it('goes by the name, whichever copy of the SDK threw it', () => {
    expect(isAccessDenied(named('AccessDeniedException'))).toBe(true);
    expect(isAccessDenied(named('ExpiredTokenException'))).toBe(false);
  });
});
