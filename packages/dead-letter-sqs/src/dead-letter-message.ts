import type { DeadLetter } from 'millrace';

export interface ErrorText {
  readonly name: string;
  readonly message: string;
}

/** What stands in the body of a message, as JSON. */
export interface DeadLetterMessage {
  /** The letter's id: the same for each message about this record. */
  readonly id: string;
  readonly applicationName: string;
  readonly streamArn: string;
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  readonly partitionKey: string;
  readonly explicitHashKey?: string;
  /** ISO 8601. */
  readonly approximateArrivalTimestamp: string;
  readonly aggregated: boolean;
  /** In base64. Left out if the message would have been too large, see `whenTooLarge`. */
  readonly data?: string;
  /** Of the record's data. */
  readonly dataBytes: number;
  readonly error: ErrorText;
  /** Of the error, if it has one: a `RecordFailedError` tells only there what went wrong. */
  readonly cause?: ErrorText;
  readonly reason: DeadLetter['reason'];
  readonly attempts: number;
  readonly workerId: string;
  readonly fencingToken: number;
}

/** Of an error's name and message so much is kept at most: it may quote what it was about. */
const maxErrorText = 2_000;

export interface MessageParts {
  readonly withData: boolean;
  /** Of the error's name and message so many characters are kept each. */
  readonly errorText?: number;
}

export function toMessage(letter: DeadLetter, { withData, errorText = maxErrorText }: MessageParts): DeadLetterMessage {
  const { record, error, id, applicationName, streamArn, shardId, reason, attempts, workerId, fencingToken } = letter;
  const { data, partitionKey, explicitHashKey, sequenceNumber, subSequenceNumber, aggregated } = record;
  const shortened = ({ name, message }: ErrorText): ErrorText => {
    return { name: name.slice(0, errorText), message: message.slice(0, errorText) };
  };
  const cause = error instanceof Error ? error.cause : undefined;
  return {
    ...{ id, applicationName, streamArn, shardId, sequenceNumber, subSequenceNumber, partitionKey },
    ...(explicitHashKey !== undefined && { explicitHashKey }),
    approximateArrivalTimestamp: record.approximateArrivalTimestamp.toISOString(),
    aggregated,
    ...(withData && { data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') }),
    dataBytes: data.byteLength,
    error: shortened(describeError(error)),
    ...(cause !== undefined && { cause: shortened(describeError(cause)) }),
    ...{ reason, attempts, workerId, fencingToken },
  };
}

/** As text that SQS takes: two characters that JSON leaves as they are, and SQS refuses, are escaped. */
export function toBody(message: DeadLetterMessage): string {
  return JSON.stringify(message).replace(
    /[\uFFFE\uFFFF]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16)}`,
  );
}

/** Reads the body of a message. @throws SyntaxError or TypeError if it is not one of ours */
export function parseDeadLetterMessage(body: string): DeadLetterMessage & { readonly bytes: Uint8Array | undefined } {
  const message = JSON.parse(body) as DeadLetterMessage | null;
  if (typeof message?.id !== 'string' || typeof message.sequenceNumber !== 'string') {
    throw new TypeError('not the body of a dead letter: it has no id and sequenceNumber');
  }
  return { ...message, bytes: message.data === undefined ? undefined : Buffer.from(message.data, 'base64') };
}

/** Code may throw anything, errors whose message is no text included: what cannot be described must not keep the letter back. */
function describeError(error: unknown): ErrorText {
  try {
    if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
    const { name, message }: { readonly name: unknown; readonly message: unknown } = error;
    return { name: String(name), message: String(message) };
  } catch {
    return { name: typeof error, message: 'cannot be described' };
  }
}
