import { systemClock } from '@millrace/core';
import { type Credentials, QuickSigner } from './quick-signer';
import type { HttpRequest, ResponseHead } from './wire-types';

/** How the SDK signs: `@smithy/types` calls it `SelectedHttpAuthScheme`. */
export interface AuthScheme {
  readonly httpAuthOption: { readonly signingProperties?: { readonly config?: SigningConfig } };
  readonly identity: unknown;
  readonly signer: {
    sign(request: HttpRequest, identity: unknown, properties: object): Promise<HttpRequest>;
    readonly errorHandler?: (properties: object) => (error: Error) => never;
    readonly successHandler?: (response: ResponseHead, properties: object) => void;
  };
}

/** What is used of the client's configuration. */
interface SigningConfig {
  /** Remembers them, and asks for new ones before they expire. */
  readonly credentials?: () => Promise<Credentials>;
  /** What the service's clock is ahead of this machine's, in milliseconds. */
  readonly systemClockOffset?: number;
  readonly disableClockSkewCorrection?: () => Promise<boolean>;
}

/** A call that may be sent. */
export interface SignedCall {
  readonly request: HttpRequest;
  /** To be called with the answer. */
  readonly answered: (response: ResponseHead) => void;
  /** To be called with the error that the answer says. May throw it. */
  readonly refused: (error: Error) => void;
}

/**
 * Signs calls of one kind to one endpoint, with the client's credentials and by its idea of the service's time. The first call is
 * signed by the SDK. If {@link QuickSigner} would have signed it in the same way, it signs the others.
 */
export class RequestSigner {
  readonly #steady: Omit<HttpRequest, 'body'>;
  readonly #scheme: AuthScheme;
  #quick: { readonly signer: QuickSigner; readonly config: SigningConfig; readonly corrects: boolean } | undefined;
  #hasTried = false;
  /** The last time that the SDK was told, as the answer says it. */
  #toldDate: string | undefined;

  /** `steady`: what is the same for all calls, without the headers that signing adds. */
  constructor(steady: Omit<HttpRequest, 'body'>, scheme: AuthScheme) {
    this.#steady = steady;
    this.#scheme = scheme;
  }

  async sign(body: string): Promise<SignedCall> {
    if (this.#quick === undefined) return this.#signBySdk(body);
    const { signer, config, corrects } = this.#quick;
    const credentials = await config.credentials?.();
    if (credentials === undefined) return this.#signBySdk(body);
    const sentAtMs = systemClock.wallTime();
    const nowMs = sentAtMs + (corrects ? (config.systemClockOffset ?? 0) : 0);
    const { method, protocol, hostname, port, path, query } = this.#steady;
    const headers = signer.sign(body, credentials, nowMs);
    const request = { method, protocol, hostname, port, path, query, headers, body };
    if (!corrects) return { request, answered: () => undefined, refused: () => undefined };
    return {
      request,
      answered: (response) => this.#answered(response, sentAtMs),
      // Learns the service's time if that is what was wrong, and throws.
      refused: (error) => this.#scheme.signer.errorHandler?.(this.#notesOf(sentAtMs))(error),
    };
  }

  /** For the SDK's idea of the service's time, which answers give in whole seconds: the first one of a second says it best. */
  #answered(response: ResponseHead, sentAtMs: number): void {
    const { date } = response.headers;
    if (date !== undefined && date === this.#toldDate) return;
    this.#toldDate = date;
    this.#scheme.signer.successHandler?.(response, this.#notesOf(sentAtMs));
  }

  /** What the SDK's signer notes of a call that it signs. */
  #notesOf(sentAtMs: number): object {
    return { ...this.#scheme.httpAuthOption.signingProperties, _requestSentAt: sentAtMs };
  }

  async #signBySdk(body: string): Promise<SignedCall> {
    const { signer, identity, httpAuthOption } = this.#scheme;
    // The signer keeps notes of one call in it.
    const properties = { ...httpAuthOption.signingProperties };
    const headers = { ...this.#steady.headers, 'content-length': String(Buffer.byteLength(body)) };
    const request = await signer.sign({ ...this.#steady, headers, body }, identity, properties);
    // Not awaited: the call does not need it. Without credentials the next call fails, and says why.
    if (!this.#hasTried) this.#learnFrom(request, body).catch(() => undefined);
    return {
      request,
      answered: (response) => signer.successHandler?.(response, properties),
      refused: (error) => signer.errorHandler?.(properties)(error),
    };
  }

  async #learnFrom(example: HttpRequest, body: string): Promise<void> {
    this.#hasTried = true;
    const { config } = this.#scheme.httpAuthOption.signingProperties ?? {};
    const credentials = await config?.credentials?.();
    if (config === undefined || credentials === undefined) return;
    const signer = QuickSigner.like(example, this.#steady.headers, body, credentials);
    const corrects = (await config.disableClockSkewCorrection?.()) !== true;
    this.#quick = signer && { signer, config, corrects };
  }
}
