import { isJsonObject, type JsonObject } from './json';

const service = 'com.amazonaws.dynamodb.v20120810';
const common = 'com.amazon.coral.service';

/** Where AWS keeps an error that is not in the model of DynamoDB. Clients look at what comes after the `#`. */
const namespaces: Readonly<Record<string, string>> = {
  AccessDeniedException: common,
  InternalFailure: common,
  InvalidSignatureException: common,
  MissingAuthenticationTokenException: common,
  SerializationException: common,
  ServiceUnavailable: 'com.amazon.coral.availability',
  ServiceUnavailableException: 'com.amazon.coral.availability',
  ThrottlingException: 'com.amazon.coral.availability',
  UnknownOperationException: common,
  UnrecognizedClientException: common,
  ValidationException: 'com.amazon.coral.validate',
};

/** A refusal in the form of the wire; nothing was changed. `name` is the error's name as the SDK shows it. */
export class DynamoDbServiceError extends Error {
  constructor(
    override readonly name: string,
    message: string,
    readonly statusCode = 400,
    /** What the body has beside its type and message. */
    readonly members: Readonly<JsonObject> = {},
  ) {
    super(message);
  }

  get body(): JsonObject {
    return { __type: `${namespaces[this.name] ?? service}#${this.name}`, ...this.members, message: this.message };
  }

  /** The same refusal with more to say. */
  with(members: Readonly<JsonObject>): DynamoDbServiceError {
    return new DynamoDbServiceError(this.name, this.message, this.statusCode, { ...this.members, ...members });
  }
}

export function invalid(message: string): DynamoDbServiceError {
  return new DynamoDbServiceError('ValidationException', message);
}

export function inUse(message: string): DynamoDbServiceError {
  return new DynamoDbServiceError('ResourceInUseException', message);
}

export function notFound(message = 'Requested resource not found'): DynamoDbServiceError {
  return new DynamoDbServiceError('ResourceNotFoundException', message);
}

/** What dynalite reports or throws: a refusal that it means, which becomes ours, or else a fault, as it is. */
export function fromDynalite(error: unknown): unknown {
  if (!(error instanceof Error) || !('statusCode' in error) || !('body' in error)) return error;
  const { statusCode, body } = error;
  if (typeof statusCode !== 'number' || !isJsonObject(body)) return error;
  // It says `Message` where AWS does; all SDKs read both.
  const { __type: type, message = body['Message'] } = body;
  if (typeof type !== 'string') return error;
  return new DynamoDbServiceError(type.replace(/^.*#/, ''), typeof message === 'string' ? message : '', statusCode);
}
