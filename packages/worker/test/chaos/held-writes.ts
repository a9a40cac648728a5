import type { DynamoDbService } from '@millrace/local';

/** A change of a lease row that a worker has sent, and that has not reached the table. */
export interface HeldWrite {
  readonly shardId: string;
  /** The sequence number that it is to store; of a renewal there is none. */
  readonly checkpoint: string | undefined;
  /** Whether it is one that only the owner of a lease sends: it leaves the owner as it is. */
  readonly isOwners: boolean;
}

/** A write that was held, and what the table has answered to it in the end: `undefined` if it took effect. */
export type LateWrite = HeldWrite & { readonly errorName: string | undefined };

type Answer = DynamoDbService['answer'];
type Request = Parameters<Answer>[0];
type Reply = ReturnType<Answer>;

/** The service as its callers see it: they wait for an answer. */
interface Answering extends Pick<DynamoDbService, 'callOf'> {
  answer(...call: Parameters<Answer>): Reply | Promise<Reply>;
}

interface UpdateInput {
  readonly Key: Readonly<Record<string, Readonly<{ S?: string }> | undefined>>;
  readonly UpdateExpression: string;
  readonly ExpressionAttributeValues: UpdateInput['Key'];
}

/**
 * A network that, for each lease, delivers no write of one worker from a certain one on, until it delivers all of them at
 * once, in their order: also those that the worker has given up or has forgotten. What else the worker sends arrives.
 */
export class HeldWrites {
  readonly writes: HeldWrite[] = [];
  readonly #deliveries: (() => LateWrite)[] = [];
  #isOpen = false;

  /** `isFirst` tells of a write whether it, and each one to its lease after it, is held. */
  constructor(dynamodb: DynamoDbService, writer: string, isFirst: (write: HeldWrite) => boolean) {
    const service: Answering = dynamodb;
    const answer = dynamodb.answer.bind(dynamodb);
    service.answer = (request, options) => {
      const { operation, accessKeyId } = service.callOf(request);
      const isWriters = !this.#isOpen && operation === 'UpdateItem' && accessKeyId === writer;
      const write = isWriters ? leaseWriteOf(request) : undefined;
      if (write === undefined || !(isFirst(write) || this.#holdsSomeOf(write.shardId))) return answer(request, options);
      this.writes.push(write);
      return new Promise((resolve) => {
        this.#deliveries.push(() => {
          const reply = answer(request, options);
          resolve(reply);
          return { ...write, errorName: errorNameOf(reply) };
        });
      });
    };
  }

  #holdsSomeOf(wanted: string): boolean {
    return this.writes.some(({ shardId }) => shardId === wanted);
  }

  /** Delivers all that is held, before anything else can happen, and holds no more. */
  letThrough(): readonly LateWrite[] {
    this.#isOpen = true;
    return this.#deliveries.map((deliver) => deliver());
  }
}

/** As docs/lease-table.md names the attributes. Rows of workers are let through. */
function leaseWriteOf({ body }: Request): HeldWrite | undefined {
  const { Key, UpdateExpression, ExpressionAttributeValues } = JSON.parse(
    Buffer.from(body).toString('utf8'),
  ) as UpdateInput;
  const shardId = Key['leaseKey']?.S ?? '';
  if (!shardId.startsWith('shardId-')) return undefined;
  const [, value = ''] = /\bcheckpoint = (:\w+)/.exec(UpdateExpression) ?? [];
  const isOwners = !/\bleaseOwner =/.test(UpdateExpression);
  return { shardId, checkpoint: ExpressionAttributeValues[value]?.S, isOwners };
}

function errorNameOf({ statusCode, body }: Reply): string | undefined {
  if (statusCode === 200) return undefined;
  const { __type: type = '' } = JSON.parse(Buffer.from(body).toString('utf8')) as { readonly __type?: string };
  return type.split('#').at(-1);
}
