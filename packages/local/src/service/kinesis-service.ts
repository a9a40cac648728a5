import { randomUUID } from 'node:crypto';
import type { KinesisEngine } from '../kinesis/engine';
import { KinesisServiceError } from '../kinesis/service-error';
import { codecFor, type Codec } from './codec';
import {
  accessKeyIdOf,
  type AnswerOptions,
  type Call,
  type Refusal,
  type Service,
  type ServiceReply,
  type ServiceRequest,
} from './service';

const targetPrefix = 'Kinesis_20131202.';

/** The engine behind the JSON 1.1 and CBOR 1.1 protocols of AWS. Signatures are not its business: see `SignedService`. */
export class KinesisService implements Service {
  readonly #engine: KinesisEngine;

  constructor(engine: KinesisEngine) {
    this.#engine = engine;
  }

  callOf(request: ServiceRequest): Call {
    const operation = operationOf(request);
    const target = operation === undefined ? {} : this.#engine.targetOf(operation, membersOf(request));
    return {
      service: 'kinesis',
      operation,
      resource: target.streamName,
      shardId: target.shardId,
      accessKeyId: accessKeyIdOf(request),
    };
  }

  answer(request: ServiceRequest, options: AnswerOptions = {}): ServiceReply {
    const codec = codecFor(request.headers['content-type']);
    try {
      const operation = operationOf(request);
      if (request.method !== 'POST' || operation === undefined) {
        throw new KinesisServiceError(
          'UnknownOperationException',
          `not a POST with an X-Amz-Target of ${targetPrefix}…`,
        );
      }
      const emptyPage = options.emptyPage === true;
      return this.#reply(codec, 200, this.#engine.dispatch(operation, parse(codec, request.body), { emptyPage }));
    } catch (error) {
      const { name, statusCode, message } = known(error);
      return this.refuse(request, { errorName: name, statusCode, message });
    }
  }

  refuse(request: ServiceRequest, { errorName, statusCode, message }: Refusal): ServiceReply {
    return this.#reply(codecFor(request.headers['content-type']), statusCode, { __type: errorName, message });
  }

  #reply(codec: Codec, statusCode: number, members: object): ServiceReply {
    return {
      statusCode,
      headers: {
        'content-type': codec.contentType,
        'x-amzn-requestid': randomUUID(),
        date: new Date(this.#engine.wallTime()).toUTCString(),
      },
      body: codec.encode(members),
    };
  }
}

function operationOf({ headers }: ServiceRequest): string | undefined {
  const target = headers['x-amz-target'];
  return target?.startsWith(targetPrefix) === true ? target.slice(targetPrefix.length) : undefined;
}

function membersOf({ headers, body }: ServiceRequest): unknown {
  try {
    return codecFor(headers['content-type']).decode(body);
  } catch {
    // Nothing can be read from it; answering says so.
    return undefined;
  }
}

function parse(codec: Codec, body: Uint8Array): unknown {
  try {
    return codec.decode(body);
  } catch (error) {
    throw new KinesisServiceError('SerializationException', `the body cannot be read: ${String(error)}`);
  }
}

function known(error: unknown): KinesisServiceError {
  if (error instanceof KinesisServiceError) return error;
  return new KinesisServiceError('InternalFailure', `a fault of the local Kinesis: ${String(error)}`);
}
