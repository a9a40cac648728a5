import type { FleetSettings } from './fleet-settings';
import type { Machine } from './machine';
import { isWrite, type ServiceCall } from './service-call';
import type { SimulatedAws } from './simulated-aws';
import { rowKeyOf } from './table-call';
import type { VirtualTime } from './virtual-time';
import type { Violate } from './violation';

export interface ForeignRowsParts {
  readonly time: VirtualTime;
  readonly settings: FleetSettings;
  readonly aws: SimulatedAws;
  readonly tableName: string;
  readonly violate: Violate;
}

/**
 * What is left of a stream that was deleted, and made again under the same name: its leases. Nobody may read by them, or write
 * to them, until somebody has deleted them by hand.
 */
export class ForeignRows {
  readonly #parts: ForeignRowsParts;
  #state: 'absent' | 'there' | 'deleted' = 'absent';

  constructor(parts: ForeignRowsParts) {
    this.#parts = parts;
  }

  begin(): void {
    const { time, settings } = this.#parts;
    if (settings.foreignRowsUntilMs > 0) time.at(settings.foreignRowsUntilMs, () => this.#delete());
  }

  /** They are there before anybody sees the table for the first time. */
  arriving({ operation }: ServiceCall): void {
    const { settings, aws, tableName } = this.#parts;
    if (operation !== 'Scan' || settings.foreignRowsUntilMs === 0 || this.#state !== 'absent') return;
    this.#state = 'there';
    for (const leaseKey of this.#keys()) {
      const item = {
        leaseKey: { S: leaseKey },
        leaseCounter: { N: '7' },
        checkpoint: { S: 'TRIM_HORIZON' },
        checkpointSubSequenceNumber: { N: '0' },
        ownerSwitchesSinceCheckpoint: { N: '0' },
        entityType: { S: 'LEASE' },
        millraceStreamCreated: { N: '1' },
      };
      aws.perform({ service: 'dynamodb', operation: 'PutItem', input: { TableName: tableName, Item: item } });
    }
  }

  performed(machine: Machine, call: ServiceCall): void {
    if (this.#state !== 'there' || !isWrite(call)) return;
    const leaseKey = rowKeyOf(call.input);
    if (leaseKey === undefined || !this.#keys().includes(leaseKey)) return;
    this.#parts.violate('G3', `${machine.name} wrote to a lease of another stream`, leaseKey);
  }

  #delete(): void {
    const { aws, tableName } = this.#parts;
    const wasThere = this.#state === 'there';
    this.#state = 'deleted';
    if (!wasThere) return;
    for (const leaseKey of this.#keys()) {
      const input = { TableName: tableName, Key: { leaseKey: { S: leaseKey } } };
      aws.perform({ service: 'dynamodb', operation: 'DeleteItem', input });
    }
  }

  #keys(): readonly string[] {
    return Array.from(
      { length: this.#parts.settings.shards },
      (_, index) => `shardId-${String(index).padStart(12, '0')}`,
    );
  }
}
