/**
 * Faults that every AWS client can meet, recognised by name and never by `instanceof`: two copies of an SDK are common.
 * What is special to one service is in `kinesis-errors.ts` and `dynamodb-errors.ts`.
 */
export function errorName(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

const accessDenied = new Set(['AccessDeniedException', 'AccessDenied', 'UnauthorizedOperation', 'NotAuthorized']);

/** The credentials are good, but may not do this. */
export function isAccessDenied(error: unknown): boolean {
  return accessDenied.has(errorName(error));
}

const badCredentials = new Set([
  'ExpiredTokenException',
  'ExpiredToken',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'InvalidClientTokenId',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'CredentialsProviderError',
]);

/** The credentials are missing, expired, or not accepted. */
export function isBadCredentials(error: unknown): boolean {
  return badCredentials.has(errorName(error));
}

const transientNames = new Set([
  'InternalFailure',
  'InternalFailureException',
  'InternalServerError',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'TimeoutError',
  'RequestTimeout',
  'RequestTimeoutException',
  'CallTimeoutError',
]);

const cutOffCodes = [
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_HTTP2_STREAM_ERROR',
  'ERR_HTTP2_SESSION_ERROR',
  'UND_ERR_SOCKET',
];

/** Of undici: no answer, or no more of it, for too long. */
const timeoutCodes = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'];
/** Of undici, too. */
const connectTimeout = 'UND_ERR_CONNECT_TIMEOUT';

/** Of {@link notSent}. */
const unsent = 'ERR_NOT_SENT';

/** Given to HTTP/2 streams that wait for their session; those that are open get the error of the session. */
const pendingStream = 'ERR_HTTP2_STREAM_CANCEL';

const unsentCodes = [pendingStream, connectTimeout, unsent];

const transientCodes = new Set([
  ...cutOffCodes,
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  ...unsentCodes,
  ...timeoutCodes,
  'ERR_HTTP2_GOAWAY_SESSION',
]);

/** The call may succeed if it is made again: the network or the service failed, or no answer came in time. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (transientNames.has(error.name)) return true;
  const { code, $metadata, cause } = error as Error & { code?: unknown; $metadata?: { httpStatusCode?: unknown } };
  if (typeof code === 'string' && transientCodes.has(code)) return true;
  if (typeof $metadata?.httpStatusCode === 'number' && $metadata.httpStatusCode >= 500) return true;
  return cause !== undefined && cause !== error && isTransient(cause);
}

/** The connection broke while the call was under way: it may have reached the service. */
export function isCutOff(error: unknown): boolean {
  if (!(error instanceof Error) || wasNotSent(error)) return false;
  const { code, cause } = error as Error & { code?: unknown };
  if (typeof code === 'string' && cutOffCodes.includes(code)) return true;
  return cause !== undefined && cause !== error && isCutOff(cause);
}

/** A fault of a call that the service has not got for certain: it is transient. */
export function notSent(message: string, cause?: Error): Error {
  return Object.assign(new Error(message, { cause }), { code: unsent });
}

/** No answer came in time, whether by our deadline or by one inside the client: the call may have reached the service. */
export function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error) || wasNotSent(error)) return false;
  if (error.name === 'CallTimeoutError') return true;
  // The request handler of the SDK gives this name to connections that broke, too. They keep their code.
  const { code } = error as Error & { code?: unknown };
  if (typeof code === 'string' && timeoutCodes.includes(code)) return true;
  return error.name === 'TimeoutError' && (code === undefined || code === 'ETIMEDOUT');
}

/**
 * In the message only: the request handler of the SDK names a connection time-out `TimeoutError`, without a code, like one of a
 * call that was sent ("did not establish a connection …", in earlier versions "without establishing a connection …"). And Node.js
 * gives a TLS handshake that was cut off the code of any other connection ("… before secure TLS connection was established").
 */
const notConnected = /\bestablish/;

/** There was no connection to send the call on. */
function wasNotSent(error: Error): boolean {
  const { code, syscall } = error as Error & { code?: unknown; syscall?: unknown };
  if (
    syscall === 'connect' ||
    (typeof code === 'string' && unsentCodes.includes(code)) ||
    notConnected.test(error.message)
  )
    return true;
  // Of a host with several addresses.
  return error instanceof AggregateError && error.errors.length > 0 && error.errors.every(wasNotSent);
}
