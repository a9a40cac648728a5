/** The errors of the Kinesis API that the engine can answer with, by the names the SDK knows them by. */
export type KinesisErrorName =
  | 'ExpiredIteratorException'
  | 'ExpiredNextTokenException'
  | 'InternalFailure'
  | 'InvalidArgumentException'
  | 'LimitExceededException'
  | 'ProvisionedThroughputExceededException'
  | 'RequestEntityTooLargeException'
  | 'ResourceInUseException'
  | 'ResourceNotFoundException'
  | 'SerializationException'
  | 'UnknownOperationException'
  | 'ValidationException';

const statusCodes: Partial<Record<KinesisErrorName, number>> = {
  InternalFailure: 500,
  RequestEntityTooLargeException: 413,
};

/** A refusal by the service. `name` is the error's name on the wire, as with the SDK's own errors; nothing was changed. */
export class KinesisServiceError extends Error {
  /** The HTTP status that carries the error. */
  readonly statusCode: number;

  constructor(
    override readonly name: KinesisErrorName,
    message: string,
  ) {
    super(message);
    this.statusCode = statusCodes[name] ?? 400;
  }
}

export function invalidArgument(message: string): KinesisServiceError {
  return new KinesisServiceError('InvalidArgumentException', message);
}

export function resourceNotFound(message: string): KinesisServiceError {
  return new KinesisServiceError('ResourceNotFoundException', message);
}
