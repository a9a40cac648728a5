import { describe, expect, it } from '@jest/globals';
import { isAccessDenied, isCutOff, isTransient } from '../src';

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

describe('isCutOff', () => {
  it.each([
    ['a connection that broke', named('Error', { code: 'ECONNRESET' }), true],
    ['a cause that is', new Error('wrapped', { cause: named('Error', { code: 'EPIPE' }) }), true],
    ['a call that did not get out', named('Error', { code: 'ECONNREFUSED' }), false],
    ['a fault of the service', named('InternalFailure', { $metadata: { httpStatusCode: 500 } }), false],
    ['no error at all', 'ECONNRESET', false],
  ])('knows %s', (_, error, expected) => {
    expect(isCutOff(error)).toBe(expected);
    if (expected) expect(isTransient(error)).toBe(true);
  });
});

describe('isAccessDenied', () => {
  it('goes by the name, whichever copy of the SDK threw it', () => {
    expect(isAccessDenied(named('AccessDeniedException'))).toBe(true);
    expect(isAccessDenied(named('ExpiredTokenException'))).toBe(false);
  });
});
