/** A request that has arrived whole, from a socket or from an SDK client in this process. */
export interface ServiceRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface ServiceReply {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

/**
 * What a client sees of its call: an answer, whole, with a pause in the middle of its body or broken off there, or a reset
 * connection.
 */
export type Outcome =
  | { readonly kind: 'reply'; readonly reply: ServiceReply }
  /** `resumed` resolves with whether the rest comes; otherwise the connection is reset. It never rejects. */
  | { readonly kind: 'paused-reply'; readonly reply: ServiceReply; readonly resumed: Promise<boolean> }
  | { readonly kind: 'cut-reply'; readonly reply: ServiceReply }
  | { readonly kind: 'reset' };

/** Which of the services of {@link Service}. */
export type ServiceName = 'dynamodb' | 'kinesis';

/** A call, as far as faults are chosen by it. What a request does not say is `undefined`. */
export interface Call {
  readonly service: ServiceName;
  /** Without the prefix of the target: `GetRecords`. */
  readonly operation: string | undefined;
  /** The stream or table that the call names. */
  readonly resource: string | undefined;
  /** The shard that a call of Kinesis is about, if it is about one. */
  readonly shardId: string | undefined;
  /** From the signature: who calls, or claims to. */
  readonly accessKeyId: string | undefined;
}

/** Ways of answering that are allowed, and that a client has to cope with. */
export interface AnswerOptions {
  /** DynamoDB: a read that is not consistent sees the tables as they were up to so long ago, in milliseconds. */
  readonly readLagMs?: number;
  /** Kinesis: GetRecords answers without records, although there are some, and with an iterator for the same place. */
  readonly emptyPage?: boolean;
}

/** One of the two services behind its protocol, without sockets and without faults. */
export interface Service {
  /** Reads from the request which call it is. Never throws, whatever the request. */
  callOf(request: ServiceRequest): Call;
  /** Carries the request out. Never rejects: what goes wrong is an error reply. */
  answer(request: ServiceRequest, options?: AnswerOptions): Promise<ServiceReply> | ServiceReply;
  /** The reply to a request that is refused before anything is done. */
  refuse(request: ServiceRequest, refusal: Refusal): ServiceReply;
}

export interface Refusal {
  /** The error's name on the wire. */
  readonly errorName: string;
  readonly statusCode: number;
  readonly message: string;
}

/** The access key id in the credential of a Signature Version 4 header. */
export function accessKeyIdOf(request: ServiceRequest): string | undefined {
  return /Credential=([^/,\s]+)\//.exec(request.headers['authorization'] ?? '')?.[1];
}
