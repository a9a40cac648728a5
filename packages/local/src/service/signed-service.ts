import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '@millrace/core';
import type { AnswerOptions, Call, Refusal, Service, ServiceName, ServiceReply, ServiceRequest } from './service';
import { parseAuthorization, signatureOf } from './signature-v4';

/** Keys that a service knows the owner of. */
export interface LocalCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** That has to come with each request. Default: none, as of a user's own keys; then none may come. */
  readonly sessionToken?: string;
  /** From when on they are refused, by the service's clock. Default: never. */
  readonly expiration?: Date;
}

export interface SigningRules {
  /** Whose requests are carried out. */
  readonly credentials: readonly LocalCredentials[];
  readonly service: ServiceName;
  readonly region: string;
  readonly clock: Clock;
}

/** How far a client's clock may be off: "Signature expired" comes after five minutes. */
const maxSkewMs = 5 * 60_000;

/** A service that carries out only what is signed as AWS wants it, with keys that it knows. */
export class SignedService implements Service {
  readonly #service: Service;
  readonly #rules: SigningRules;

  constructor(service: Service, rules: SigningRules) {
    this.#service = service;
    this.#rules = rules;
  }

  callOf(request: ServiceRequest): Call {
    return this.#service.callOf(request);
  }

  answer(request: ServiceRequest, options?: AnswerOptions): Promise<ServiceReply> | ServiceReply {
    // What is asked without a POST is no call of an AWS service: whether it lives, say.
    const refusal = request.method === 'POST' ? refusalFor(request, this.#rules) : undefined;
    return refusal === undefined ? this.#service.answer(request, options) : this.refuse(request, refusal);
  }

  refuse(request: ServiceRequest, refusal: Refusal): ServiceReply {
    return this.#service.refuse(request, refusal);
  }
}

/** Why a request is refused for its signature; `undefined` if it is good. */
function refusalFor(request: ServiceRequest, rules: SigningRules): Refusal | undefined {
  const { headers } = request;
  if (headers['authorization'] === undefined) {
    return refusal('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
  }
  const authorization = parseAuthorization(headers['authorization']);
  const signedAtMs = parseDate(headers['x-amz-date']);
  if (authorization === undefined || signedAtMs === undefined) {
    return refusal('IncompleteSignatureException', 'Authorization header or X-Amz-Date is not of Signature Version 4.');
  }
  const nowMs = rules.clock.wallTime();
  const keys = rules.credentials.find(({ accessKeyId }) => accessKeyId === authorization.accessKeyId);
  if (keys === undefined || headers['x-amz-security-token'] !== keys.sessionToken) {
    return refusal('UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  if (keys.expiration !== undefined && keys.expiration.getTime() <= nowMs) {
    return refusal('ExpiredTokenException', 'The security token included in the request is expired');
  }
  return (
    refusalOfScope(authorization.scope, headers['x-amz-date'] ?? '', rules) ??
    refusalOfTime(signedAtMs, nowMs) ??
    refusalOfHeaders(authorization.signedHeaders, request) ??
    (isEqual(signatureOf(request, authorization, keys.secretAccessKey), authorization.signature) ? undefined : mismatch)
  );
}

const mismatch = refusal(
  'InvalidSignatureException',
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
    'and signing method. Consult the service documentation for details.',
);

function refusal(errorName: string, message: string): Refusal {
  return { errorName, statusCode: 400, message };
}

function refusalOfScope(scope: string, date: string, { region, service }: SigningRules): Refusal | undefined {
  const scopedTo = (what: string): Refusal =>
    refusal('InvalidSignatureException', `Credential should be scoped to ${what}.`);
  const [day = '', inRegion = '', ofService = ''] = scope.split('/');
  if (inRegion !== region) return scopedTo(`a valid region, not '${inRegion}'`);
  if (ofService !== service) return scopedTo(`correct service: '${service}'`);
  if (!date.startsWith(day)) return scopedTo(`the day of X-Amz-Date, not '${day}'`);
  return undefined;
}

function refusalOfTime(signedAtMs: number, nowMs: number): Refusal | undefined {
  const [signed, now] = [shownDate(signedAtMs), shownDate(nowMs)];
  if (signedAtMs < nowMs - maxSkewMs) {
    const earliest = shownDate(nowMs - maxSkewMs);
    const message = `Signature expired: ${signed} is now earlier than ${earliest} (${now} - 5 min.)`;
    return refusal('InvalidSignatureException', message);
  }
  if (signedAtMs <= nowMs + maxSkewMs) return undefined;
  const latest = shownDate(nowMs + maxSkewMs);
  const message = `Signature not yet current: ${signed} is still later than ${latest} (${now} + 5 min.)`;
  return refusal('InvalidSignatureException', message);
}

/** The host and all that is AWS's own must be signed, or somebody on the way could change it. */
function refusalOfHeaders(signedHeaders: readonly string[], { headers }: ServiceRequest): Refusal | undefined {
  const needed = Object.keys(headers).filter((name) => name.startsWith('x-amz-') && headers[name] !== undefined);
  const host = signedHeaders.includes(':authority') ? ':authority' : 'host';
  const missing = [host, ...needed].filter((name) => !signedHeaders.includes(name));
  if (missing.length === 0) return undefined;
  const message = `'${missing.join("' and '")}' must be a 'SignedHeader' in the AWS Authorization.`;
  return refusal('InvalidSignatureException', message);
}

function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

/** Of `20150830T123600Z`. */
function parseDate(text: string | undefined): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '') ?? [];
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

function shownDate(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}
