import { createHmac, hash } from 'node:crypto';
import type { HttpRequest } from './wire-types';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

const hashHeader = 'x-amz-content-sha256';
const tokenHeader = 'x-amz-security-token';

/** What is the same for all calls with a session token, or for all without. */
interface Form {
  readonly hasToken: boolean;
  /** All that a call has, with nothing in those that differ from call to call. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of those that are signed, in their order; `steady`: the whole line, of one that never changes. */
  readonly lines: readonly { readonly name: string; readonly steady: string | undefined }[];
  /** Their names. */
  readonly signed: string;
}

const authorizationPattern =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=[0-9a-f]{64}$/;

/**
 * AWS's Signature Version 4 for calls that differ from an example, which the SDK has signed, in nothing but body, time and
 * credentials. Signing was a third of the processor time of a call that the SDK's signer signs (measured).
 *
 * From the format: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export class QuickSigner {
  readonly #start: string;
  readonly #steady: Readonly<Record<string, string>>;
  readonly #names: readonly string[];
  readonly #sendsHash: boolean;
  readonly #region: string;
  readonly #service: string;
  #form: Form | undefined;
  #date: { readonly second: number; readonly text: string } | undefined;
  #key: { readonly secret: string; readonly day: string; readonly scope: string; readonly key: Buffer } | undefined;

  private constructor(
    example: HttpRequest,
    steady: Readonly<Record<string, string>>,
    {
      region,
      service,
      names,
    }: { readonly region: string; readonly service: string; readonly names: readonly string[] },
  ) {
    this.#start = `${example.method}\n${example.path}\n\n`;
    this.#steady = steady;
    this.#names = names.filter((name) => name !== tokenHeader);
    this.#sendsHash = example.headers[hashHeader] !== undefined;
    this.#region = region;
    this.#service = service;
  }

  /**
   * `steady`: the headers that the example had before it was signed, but for its length. Undefined if this would sign it in another
   * way: another algorithm, a signer of the user's own, or `credentials` that have been refreshed since.
   */
  static like(
    example: HttpRequest,
    steady: Readonly<Record<string, string>>,
    body: string,
    credentials: Credentials,
  ): QuickSigner | undefined {
    const { authorization = '', 'x-amz-date': date = '' } = example.headers;
    const [, region, service, names] = authorizationPattern.exec(authorization) ?? [];
    if (region === undefined || service === undefined || names === undefined) return undefined;
    if (example.path !== '/' || Object.keys(example.query).length > 0) return undefined;
    const signer = new QuickSigner(example, steady, { region, service, names: names.split(';') });
    const headers = signer.#signAt(date, body, credentials);
    const isSame =
      Object.keys(headers).length === Object.keys(example.headers).length &&
      Object.entries(headers).every(([name, value]) => example.headers[name] === value);
    return isSame ? signer : undefined;
  }

  /** All headers of the call; `nowMs` is the time by the service's clock. */
  sign(body: string, credentials: Credentials, nowMs: number): Readonly<Record<string, string>> {
    return this.#signAt(this.#dateOf(nowMs), body, credentials);
  }

  #signAt(date: string, body: string, credentials: Credentials): Readonly<Record<string, string>> {
    const { accessKeyId, secretAccessKey, sessionToken = '' } = credentials;
    const form = this.#formOf(sessionToken !== '');
    const bodyHash = hash('sha256', body, 'hex');
    // A copy, whose fields are there: to add them one by one would take as long as all else together.
    const headers = { ...form.headers };
    headers['content-length'] = String(Buffer.byteLength(body));
    headers['x-amz-date'] = date;
    if (this.#sendsHash) headers[hashHeader] = bodyHash;
    if (form.hasToken) headers[tokenHeader] = sessionToken;
    let canonical = this.#start;
    for (const { name, steady } of form.lines) canonical += steady ?? `${name}:${headers[name] ?? ''}\n`;
    canonical += `\n${form.signed}\n${bodyHash}`;
    const { scope, key } = this.#keyOf(secretAccessKey, date.slice(0, 8));
    const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash('sha256', canonical, 'hex')}`;
    const signature = createHmac('sha256', key).update(text).digest('hex');
    headers['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${form.signed}, Signature=${signature}`;
    return headers;
  }

  #formOf(hasToken: boolean): Form {
    if (this.#form?.hasToken !== hasToken) {
      const names = hasToken ? [...this.#names, tokenHeader].sort() : this.#names;
      const lines = names.map((name) => {
        const value = this.#steady[name];
        return { name, steady: value === undefined ? undefined : `${name}:${value}\n` };
      });
      const headers = {
        ...{ ...this.#steady, 'content-length': '', 'x-amz-date': '' },
        ...(this.#sendsHash && { [hashHeader]: '' }),
        ...(hasToken && { [tokenHeader]: '' }),
        authorization: '',
      };
      this.#form = { hasToken, headers, lines, signed: names.join(';') };
    }
    return this.#form;
  }

  /** Many calls are made in the same second. */
  #dateOf(nowMs: number): string {
    const second = Math.floor(nowMs / 1_000);
    if (this.#date?.second !== second) {
      this.#date = { second, text: new Date(second * 1_000).toISOString().replace(/[-:]|\.\d+/g, '') };
    }
    return this.#date.text;
  }

  /** Good for a day. */
  #keyOf(secret: string, day: string): { readonly scope: string; readonly key: Buffer } {
    if (this.#key?.secret !== secret || this.#key.day !== day) {
      const steps = [day, this.#region, this.#service, 'aws4_request'];
      const key = steps.reduce(
        (last, step) => createHmac('sha256', last).update(step).digest(),
        Buffer.from(`AWS4${secret}`),
      );
      this.#key = { secret, day, scope: steps.join('/'), key };
    }
    return this.#key;
  }
}
