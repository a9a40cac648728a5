import { createHash } from 'node:crypto';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { DeadLetter, DeadLetterSink } from 'millrace';
import { toBody, toMessage } from './dead-letter-message';

export interface SqsDeadLetterOptions {
  /** Needs `sqs:SendMessage` on the queue, and `kms:GenerateDataKey` and `kms:Decrypt` on its key if that is your own. */
  readonly client: SQSClient;
  /**
   * Of a standard or a FIFO queue. Of a FIFO queue the same letter is kept once if it comes again within five minutes, and the
   * letters of one shard stay in order.
   */
  readonly queueUrl: string;
  /**
   * The largest body that the queue takes, in bytes; 8,192 to 1,048,576. The queue's `MaximumMessageSize`, if that is less.
   * Base64 makes data a third larger.
   *
   * @defaultValue 1_048_576, the most that SQS takes (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html)
   */
  readonly maxMessageBytes?: number;
  /**
   * What to do with a record that does not fit. `'reject'`: the letter is not confirmed, so that the record is never out of the
   * stream and not in the queue either; its shard waits, and the log says so. `'without-data'`: the message says where the
   * record is, and it can be read from the stream for as long as that keeps it.
   *
   * @defaultValue `'reject'`
   */
  readonly whenTooLarge?: 'reject' | 'without-data';
}

/** A position without data, with names as long as they may be, takes less than the least. */
const leastMessageBytes = 8_192;
const greatestMessageBytes = 1_048_576;
/** Of an error, when its message is what does not fit. */
const shortErrorText = 100;

/**
 * A sink for `failurePolicy: { deadLetter: sqsDeadLetters({ … }) }`: one message for each letter, confirmed once SQS has it. Whatever
 * SQS answers otherwise is a rejection, so that Millrace calls again, after the client's own retries.
 *
 * @throws TypeError if an option is wrong
 */
export function sqsDeadLetters(options: SqsDeadLetterOptions): DeadLetterSink {
  const { client, queueUrl, maxMessageBytes = greatestMessageBytes, whenTooLarge = 'reject' } = options;
  if (!/^https?:\/\/.+/.test(queueUrl)) throw new TypeError(`queueUrl (${queueUrl}) must be the URL of a queue`);
  if (!(maxMessageBytes >= leastMessageBytes && maxMessageBytes <= greatestMessageBytes)) {
    throw new TypeError(
      `maxMessageBytes (${maxMessageBytes}) must be from ${leastMessageBytes} to ${greatestMessageBytes}`,
    );
  }
  if (!(['reject', 'without-data'] as unknown[]).includes(whenTooLarge)) {
    throw new TypeError(`whenTooLarge (${whenTooLarge}) must be 'reject' or 'without-data'`);
  }
  return async (letter, { signal }) => {
    const body = bodyOf(letter, maxMessageBytes, whenTooLarge);
    const ofFifo = queueUrl.endsWith('.fifo') ? fifoNames(letter) : {};
    const command = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body, ...ofFifo });
    await client.send(command, { abortSignal: signal });
  };
}

/** Hashed, since SQS takes 128 characters. Applications that share a queue keep their letters apart. */
function fifoNames({ applicationName, id, shardId }: DeadLetter): {
  readonly MessageDeduplicationId: string;
  readonly MessageGroupId: string;
} {
  const hash = (...texts: readonly string[]): string =>
    createHash('sha256').update(JSON.stringify(texts)).digest('hex');
  return { MessageDeduplicationId: hash(applicationName, id), MessageGroupId: hash(applicationName, shardId) };
}

function bodyOf(
  letter: DeadLetter,
  maxMessageBytes: number,
  whenTooLarge: NonNullable<SqsDeadLetterOptions['whenTooLarge']>,
): string {
  const fits = (body: string): boolean => Buffer.byteLength(body) <= maxMessageBytes;
  const whole = toBody(toMessage(letter, { withData: true }));
  if (fits(whole)) return whole;
  const withData = toBody(toMessage(letter, { withData: true, errorText: shortErrorText }));
  if (fits(withData)) return withData;
  const withoutData = toBody(toMessage(letter, { withData: false, errorText: shortErrorText }));
  if (whenTooLarge === 'without-data' && fits(withoutData)) return withoutData;
  throw new RangeError(
    `dead letter ${letter.id} has ${Buffer.byteLength(withData)} bytes, and the queue takes ${maxMessageBytes}: ` +
      "its shard waits until whenTooLarge is 'without-data', or another sink is used",
  );
}
