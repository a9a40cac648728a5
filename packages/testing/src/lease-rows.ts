import { compareSequenceNumbers, isSequenceNumber } from '@millrace/core';
import type { EmbeddedAws } from '@millrace/local';
import type { PutRecord } from './delivery-ledger';

interface LeaseRow {
  readonly leaseKey?: { readonly S: string };
  readonly checkpoint?: { readonly S: string };
}

/** What the lease table says, read beneath all faults: a test that looks must not change what it looks at. */
export class LeaseRows {
  readonly #aws: EmbeddedAws;
  readonly #tableName: string;

  constructor(aws: EmbeddedAws, tableName: string) {
    this.#aws = aws;
    this.#tableName = tableName;
  }

  /**
   * Whether the stored checkpoints are at or behind the last of these records, in each shard. A finished shard's row is deleted
   * once the stream lists it no longer.
   */
  acknowledge(records: readonly PutRecord[], listedShardIds: ReadonlySet<string>): boolean {
    const checkpoints = this.#checkpoints();
    const last = new Map(records.map(({ shardId, sequenceNumber }) => [shardId, sequenceNumber]));
    return [...last].every(([shardId, sequenceNumber]) => {
      const checkpoint = checkpoints.get(shardId);
      if (checkpoint === undefined) return !listedShardIds.has(shardId);
      if (!isSequenceNumber(checkpoint)) return checkpoint === 'SHARD_END';
      return compareSequenceNumbers(checkpoint, sequenceNumber) >= 0;
    });
  }

  #checkpoints(): ReadonlyMap<string, string> {
    const { TableNames } = this.#aws.dynamodb.handle('ListTables', {}) as { readonly TableNames: readonly string[] };
    if (!TableNames.includes(this.#tableName)) return new Map();
    const checkpoints = new Map<string, string>();
    for (const { leaseKey, checkpoint } of this.#rows()) {
      if (leaseKey === undefined || checkpoint === undefined) continue;
      checkpoints.set(leaseKey.S, checkpoint.S);
    }
    return checkpoints;
  }

  #rows(): readonly LeaseRow[] {
    const rows: LeaseRow[] = [];
    let ExclusiveStartKey: unknown;
    do {
      const page = this.#aws.dynamodb.handle('Scan', {
        TableName: this.#tableName,
        ConsistentRead: true,
        ...(ExclusiveStartKey !== undefined && { ExclusiveStartKey }),
      });
      rows.push(...(page['Items'] as readonly LeaseRow[]));
      ExclusiveStartKey = page['LastEvaluatedKey'];
    } while (ExclusiveStartKey !== undefined);
    return rows;
  }
}
