import { createHash, createHmac } from 'node:crypto';
import type { ServiceRequest } from './service';

/** What the Authorization header of a signed request says. */
export interface Authorization {
  readonly accessKeyId: string;
  /** Date, region, service and `aws4_request`. */
  readonly scope: string;
  /** In lower case, in the order in which they were signed. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
}

/** The parts of an Authorization header of Signature Version 4, or `undefined` if it is none. */
export function parseAuthorization(header: string): Authorization | undefined {
  if (!header.startsWith('AWS4-HMAC-SHA256 ')) return undefined;
  const parts = new Map(
    header
      .slice(header.indexOf(' '))
      .split(',')
      .map((part): [string, string] => {
        const at = part.indexOf('=');
        return [part.slice(0, at).trim(), part.slice(at + 1).trim()];
      }),
  );
  const [, accessKeyId, scope] =
    /^([^/]+)\/(\d{8}\/[^/]+\/[^/]+\/aws4_request)$/.exec(parts.get('Credential') ?? '') ?? [];
  const signedHeaders = parts.get('SignedHeaders');
  const signature = parts.get('Signature');
  if (accessKeyId === undefined || scope === undefined || signedHeaders === undefined) return undefined;
  if (signature === undefined || !/^[0-9a-f]{64}$/.test(signature)) return undefined;
  return { accessKeyId, scope, signedHeaders: signedHeaders.split(';'), signature };
}

/**
 * The signature that the owner of the secret would give a request, by "Create a signed AWS API request" in the IAM user
 * guide, from the headers that `authorization` names. In hexadecimal.
 */
export function signatureOf(
  request: ServiceRequest,
  { scope, signedHeaders }: Pick<Authorization, 'scope' | 'signedHeaders'>,
  secretAccessKey: string,
): string {
  const toSign = [
    'AWS4-HMAC-SHA256',
    request.headers['x-amz-date'] ?? '',
    scope,
    sha256(canonical(request, signedHeaders)),
  ];
  const key = scope.split('/').reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`);
  return hmac(key, toSign.join('\n')).toString('hex');
}

function canonical({ method, path, headers, body }: ServiceRequest, signedHeaders: readonly string[]): string {
  const [pathname = '/', query = ''] = path.split('?', 2);
  return [
    method,
    pathname.split('/').map(encoded).join('/'),
    canonicalQuery(query),
    ...signedHeaders.map((name) => `${name}:${signedValue(headers, name)}`),
    '',
    signedHeaders.join(';'),
    sha256(body),
  ].join('\n');
}

/** Over HTTP/2 the host is signed under another name. */
function signedValue(headers: ServiceRequest['headers'], name: string): string {
  const sent = name === ':authority' ? 'host' : name;
  const value = Object.hasOwn(headers, sent) ? headers[sent] : undefined;
  return (value ?? '').trim().replace(/ +/g, ' ');
}

/** By name, then by value; both stay as they came. */
function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => parameter.split('=', 2))
    .map(([name = '', value = '']) => ({ name, value }))
    .sort((a, b) => byCodeUnits(a.name, b.name) || byCodeUnits(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&');
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a === b ? 0 : 1;
}

function encoded(segment: string): string {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
