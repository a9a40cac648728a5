import { DescribeStreamSummaryCommand, type KinesisClient } from '@aws-sdk/client-kinesis';
import {
  type AbortSignalLike,
  isAccessDenied,
  isKinesisResourceNotFound,
  MissingPermissionError,
  retryPassing,
  StreamNotFoundError,
  nativeSignal,
  withDeadline,
  type Clock,
  type Random,
  type StreamIdentity,
} from '@millrace/core';

/** Names a stream: by its ARN, which wins, or by its name in the client's account and region. */
export type StreamReference = { readonly streamArn: string } | { readonly streamName: string };

export interface StreamDescription {
  readonly identity: StreamIdentity;
  /** Records can be read: the stream is not being created or deleted. */
  readonly readable: boolean;
  readonly openShardCount: number;
  readonly retentionMs: number;
  /** The service's time when it answered, in milliseconds since the epoch, whole seconds; `undefined` if it gave none. */
  readonly serviceTimeMs: number | undefined;
}

export interface DescribeStreamOptions {
  readonly kinesis: Pick<KinesisClient, 'send'>;
  readonly stream: StreamReference;
  readonly clock: Clock;
  readonly random: Random;
  readonly callTimeoutMs: number;
  readonly signal: AbortSignalLike;
}

/**
 * Asks what the stream is. Throttles and transient faults are tried again a few times.
 *
 * @throws StreamNotFoundError there is no such stream, or it is being deleted.
 * @throws MissingPermissionError naming the action.
 */
export async function describeStream(options: DescribeStreamOptions): Promise<StreamDescription> {
  const { stream } = options;
  const name = 'streamArn' in stream ? stream.streamArn : stream.streamName;
  try {
    return await retryPassing(options, () => describeOnce(options, name));
  } catch (error) {
    if (isKinesisResourceNotFound(error)) throw new StreamNotFoundError(name, { cause: error });
    if (isAccessDenied(error)) {
      throw new MissingPermissionError('kinesis:DescribeStreamSummary', name, { cause: error });
    }
    throw error;
  }
}

async function describeOnce(options: DescribeStreamOptions, name: string): Promise<StreamDescription> {
  const { kinesis, stream, clock, callTimeoutMs, signal } = options;
  const command = new DescribeStreamSummaryCommand(
    'streamArn' in stream ? { StreamARN: stream.streamArn } : { StreamName: stream.streamName },
  );
  let serviceTimeMs: number | undefined;
  command.middlewareStack.add(
    (next) => async (request) => {
      const result = await next(request);
      serviceTimeMs = dateHeaderMs(result.response);
      return result;
    },
    { step: 'deserialize', name: 'millraceServiceTime' },
  );
  const { StreamDescriptionSummary: summary } = await withDeadline(
    clock,
    callTimeoutMs,
    { what: 'kinesis:DescribeStreamSummary', signal },
    (end) => kinesis.send(command, { abortSignal: nativeSignal(end) }),
  );
  const { StreamName: streamName, StreamARN: streamArn, StreamCreationTimestamp: createdAt } = summary ?? {};
  if (streamName === undefined || streamArn === undefined || createdAt === undefined) {
    throw new Error(`kinesis:DescribeStreamSummary answered for ${name} without a name, an ARN or a creation time`);
  }
  if (summary?.StreamStatus === 'DELETING') throw new StreamNotFoundError(name);
  return {
    identity: { streamName, streamArn, streamCreatedAtMs: createdAt.getTime() },
    readable: summary?.StreamStatus !== 'CREATING',
    openShardCount: summary?.OpenShardCount ?? 0,
    retentionMs: (summary?.RetentionPeriodHours ?? 24) * 3_600_000,
    serviceTimeMs,
  };
}

/** The `Date` of an HTTP answer, of whatever shape the handler gave it. */
function dateHeaderMs(response: unknown): number | undefined {
  const { headers } = (response ?? {}) as { headers?: Record<string, string | undefined> };
  const text = headers?.['date'];
  const timeMs = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
