import type { DynamoDbService } from '@millrace/local';
import { monotonicMs, type LeaseRow, type LeaseWrite } from './ledger';

type Item = Readonly<Record<string, Readonly<{ S?: string; N?: string }> | undefined>>;

const writing = ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems'];

/**
 * Every change of a lease row, seen from inside the embedded DynamoDB: nothing that a worker says or hides can alter it.
 * The service is synchronous, so that what differs after a call was done by that call.
 */
export class LeaseLog {
  readonly writes: LeaseWrite[] = [];
  #rows = new Map<string, LeaseRow>();

  constructor(
    private readonly dynamodb: DynamoDbService,
    private readonly tableName: string,
  ) {
    const answer = dynamodb.answer.bind(dynamodb);
    dynamodb.answer = (request, options) => {
      const { operation = '', accessKeyId = '' } = dynamodb.callOf(request);
      const atMs = monotonicMs();
      const reply = answer(request, options);
      if (writing.includes(operation) && reply.statusCode === 200) this.#compare(accessKeyId, atMs);
      return reply;
    };
  }

  /** The rows as they are now, by shard. */
  get rows(): ReadonlyMap<string, LeaseRow> {
    return this.#rows;
  }

  #compare(writer: string, atMs: number): void {
    const { Items } = this.dynamodb.handle('Scan', { TableName: this.tableName, ConsistentRead: true });
    const rows = new Map(
      (Items as readonly Item[]).filter(isLease).map((item) => [item['leaseKey']?.S ?? '', rowOf(item)]),
    );
    for (const shardId of new Set([...this.#rows.keys(), ...rows.keys()])) {
      const before = this.#rows.get(shardId);
      const after = rows.get(shardId);
      const isSame =
        before?.counter === after?.counter &&
        before?.owner === after?.owner &&
        before?.checkpoint === after?.checkpoint;
      if (!isSame) this.writes.push({ shardId, writer, atMs, before, after });
    }
    this.#rows = rows;
  }
}

/** The table holds other things too. */
function isLease({ entityType }: Item): boolean {
  return entityType === undefined || entityType.S === 'LEASE';
}

/** As docs/lease-table.md has it, and not by the code under test. */
function rowOf({ leaseCounter, leaseOwner, checkpointOwner, millraceReceiver, checkpoint }: Item): LeaseRow {
  const isPending = checkpointOwner !== undefined && millraceReceiver?.S === leaseOwner?.S;
  return {
    counter: Number(leaseCounter?.N),
    owner: workerOf(isPending ? checkpointOwner.S : leaseOwner?.S),
    checkpoint: checkpoint?.S ?? '',
  };
}

/** Without the random part that a worker adds to its name. */
function workerOf(owner: string | undefined): string | undefined {
  return owner?.split('-')[0];
}
