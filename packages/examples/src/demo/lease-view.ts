import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { KinesisEngine } from '@millrace/local';

/** One shard, as the stream and the lease table show it. */
export interface ShardView {
  readonly shardId: string;
  readonly parentShardIds: readonly string[];
  /** Closed: split or merged, and not read to its end. Finished: read to its end. */
  readonly state: 'open' | 'closed' | 'finished';
  /** The process id of the worker that holds the lease. */
  readonly ownerPid: number | undefined;
  /** As the lease table has it. */
  readonly checkpoint: string | undefined;
  /** Stream records that nobody has acknowledged yet. */
  readonly lag: number;
}

/** The attributes of a lease row that are looked at. */
interface LeaseRow {
  readonly leaseKey: string;
  readonly leaseOwner?: string;
  readonly checkpointOwner?: string;
  readonly millraceReceiver?: string;
  readonly checkpoint?: string;
}

/** Looks at the stream and at the lease table from outside, as an operator may. It writes nothing. */
export class LeaseView {
  constructor(
    private readonly kinesis: KinesisEngine,
    private readonly streamName: string,
    private readonly dynamodb: DynamoDBDocumentClient,
    private readonly tableName: string,
  ) {}

  /** All shards of the stream, oldest first. */
  async read(): Promise<readonly ShardView[]> {
    const leases = new Map((await this.#leases()).map((lease) => [lease.leaseKey, lease]));
    return this.kinesis.inspect(this.streamName).map(({ shardId, parentShardIds, open }) => {
      const lease = leases.get(shardId);
      const checkpoint = lease?.checkpoint;
      const finished = checkpoint === 'SHARD_END';
      return {
        shardId,
        parentShardIds,
        state: finished ? 'finished' : open ? 'open' : 'closed',
        ownerPid: lease === undefined || finished ? undefined : ownerPid(lease),
        checkpoint,
        lag: finished ? 0 : this.kinesis.recordsAfter(this.streamName, shardId, sequenceNumber(checkpoint)),
      };
    });
  }

  async #leases(): Promise<readonly LeaseRow[]> {
    try {
      // Some twenty rows: one page.
      const { Items: rows = [] } = await this.dynamodb.send(
        new ScanCommand({ TableName: this.tableName, ConsistentRead: true }),
      );
      return rows as LeaseRow[];
    } catch (error) {
      // The first worker makes the table.
      if ((error as Error).name === 'ResourceNotFoundException') return [];
      throw error;
    }
  }
}

/** What keeps the shard from being done, if nothing more is put into the stream. */
export function unfinishedBusiness({ shardId, state, lag }: ShardView): string | undefined {
  if (state === 'closed') return `${shardId} is not read to its end (${lag} records not acknowledged)`;
  return lag > 0 ? `${lag} records of ${shardId} are not acknowledged` : undefined;
}

/** Process ids of workers that hold leases, those with the most leases first. */
export function holders(shards: readonly ShardView[]): readonly number[] {
  const counts = new Map<number, number>();
  for (const { ownerPid: pid } of shards) if (pid !== undefined) counts.set(pid, (counts.get(pid) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([pid]) => pid);
}

/** While a hand-over is pending, the lease is still held by the worker that was asked for it. */
function ownerPid({ leaseOwner, checkpointOwner, millraceReceiver }: LeaseRow): number | undefined {
  const isHandoverPending = checkpointOwner !== undefined && millraceReceiver === leaseOwner;
  const owner = isHandoverPending ? checkpointOwner : leaseOwner;
  // Host, process id and a random part: the worker id that Millrace makes by default.
  const [, pid] = /-(\d+)-[0-9a-f]{8}-[0-9a-f]{4}$/.exec(owner ?? '') ?? [];
  return pid === undefined ? undefined : Number(pid);
}

function sequenceNumber(checkpoint: string | undefined): string | undefined {
  return checkpoint !== undefined && /^\d+$/.test(checkpoint) ? checkpoint : undefined;
}
