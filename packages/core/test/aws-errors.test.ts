import { describe, expect, it } from '@jest/globals';
import { isAccessDenied, isCutOff, isShardThroughputExceeded, isTimeout, isTransient } from '../src';

const named = (name: string, more: object = {}): Error => Object.assign(new Error(name), { name, ...more });

/** Node.js gives it the error of the session as a cause. */
const pendingStream = named('Error', {
  code: 'ERR_HTTP2_STREAM_CANCEL',
  cause: named('Error', { code: 'ECONNRESET', syscall: 'read' }),
});

describe('isTransient', () => {
  it.each([
    ['a reset connection', named('Error', { code: 'ECONNRESET' })],
    ['a time-out of the SDK', named('TimeoutError')],
    ['an HTTP/2 stream that waited for its session', pendingStream],
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
    ['a connection that took too long', named('TimeoutError', { code: 'ETIMEDOUT', syscall: 'connect' }), false],
    [
      'one to several addresses',
      Object.assign(new AggregateError([named('Error', { code: 'ETIMEDOUT', syscall: 'connect' })]), {
        code: 'ETIMEDOUT',
      }),
      false,
    ],
    ['an HTTP/2 stream that waited for its session', pendingStream, false],
    [
      'a TLS handshake that was cut off',
      named('Client network socket disconnected before secure TLS connection was established', { code: 'ECONNRESET' }),
      false,
    ],
    ['a fault of the service', named('InternalFailure', { $metadata: { httpStatusCode: 500 } }), false],
    ['no error at all', 'ECONNRESET', false],
  ])('knows %s', (_, error, expected) => {
    expect(isCutOff(error)).toBe(expected);
    if (expected) expect(isTransient(error)).toBe(true);
  });
});

describe('isTimeout', () => {
  const timeout = (message: string, more: object = {}): Error =>
    Object.assign(new Error(message), { name: 'TimeoutError', ...more });

  it.each([
    ['our deadline', named('CallTimeoutError'), true],
    ['no head of an answer', named('HeadersTimeoutError', { code: 'UND_ERR_HEADERS_TIMEOUT' }), true],
    ['no more of an answer', named('BodyTimeoutError', { code: 'UND_ERR_BODY_TIMEOUT' }), true],
    ['no connection in time', named('ConnectTimeoutError', { code: 'UND_ERR_CONNECT_TIMEOUT' }), false],
    ['a socket that was silent', timeout('the request socket timed out after 3000 ms of inactivity'), true],
    ['the time-out of the SDK', timeout('a request has exceeded the configured 3000 ms', { code: 'ETIMEDOUT' }), true],
    ['a connection that broke, by the name of the SDK', timeout('read ECONNRESET', { code: 'ECONNRESET' }), false],
    [
      'no connection',
      timeout('the request socket did not establish a connection with the server within the configured timeout'),
      false,
    ],
    ['the same in older words', timeout('Socket timed out without establishing a connection within 5000 ms'), false],
    ['no error at all', 'TimeoutError', false],
  ])('knows %s', (_, error, expected) => {
    expect(isTimeout(error)).toBe(expected);
    expect(isTransient(error)).toBe(error instanceof Error);
  });
});

describe('isShardThroughputExceeded', () => {
  it('is the limit of a shard, and no other', () => {
    expect(isShardThroughputExceeded(named('ProvisionedThroughputExceededException'))).toBe(true);
    expect(isShardThroughputExceeded(named('KMSThrottlingException'))).toBe(false);
  });
});

describe('isAccessDenied', () => {
  it('goes by the name, whichever copy of the SDK threw it', () => {
    expect(isAccessDenied(named('AccessDeniedException'))).toBe(true);
    expect(isAccessDenied(named('ExpiredTokenException'))).toBe(false);
  });
});
