import type { Attributes } from './expressions';
import { itemSize, readUnits, writeUnits } from './item-size';
import { isWrite, type ServiceCall } from './service-call';
import type { SimulatedAws } from './simulated-aws';
import { leaseKeyOf, type TableCall } from './table-call';
import { writeKindOf, type WriteKind } from './write-kinds';

/** What calls to DynamoDB are for. `moves`: everything that gives a lease to somebody, or prepares it. */
export const purposes = [
  'renewals',
  'checkpoints',
  'heartbeats',
  'mailReads',
  'mailWrites',
  'scans',
  'moves',
  'others',
] as const;

export type Purpose = (typeof purposes)[number];

export interface Cost {
  readonly calls: number;
  readonly readUnits: number;
  readonly writeUnits: number;
}

const purposeOfWrite: Readonly<Record<WriteKind, Purpose>> = {
  renews: 'renewals',
  checkpoints: 'checkpoints',
  'shows life': 'heartbeats',
  'sends mail': 'mailWrites',
  'takes mail': 'mailWrites',
  creates: 'others',
  deletes: 'others',
  takes: 'moves',
  attempts: 'others',
  adopts: 'moves',
  asks: 'moves',
  evicts: 'moves',
  'releases to a successor': 'moves',
  'hands over': 'moves',
  cancels: 'moves',
  releases: 'moves',
};

/** Counts the calls to the lease table, and what DynamoDB would charge for them. */
export class CostMeter {
  readonly #costs = new Map<Purpose, { calls: number; readUnits: number; writeUnits: number }>();
  readonly #sizesBefore = new Map<string, number>();

  constructor(private readonly aws: SimulatedAws) {
    this.reset();
  }

  /** From here. */
  reset(): void {
    for (const purpose of purposes) this.#costs.set(purpose, { calls: 0, readUnits: 0, writeUnits: 0 });
  }

  costs(): Readonly<Record<Purpose, Cost>> {
    return Object.fromEntries([...this.#costs].map(([purpose, cost]) => [purpose, { ...cost }])) as Record<
      Purpose,
      Cost
    >;
  }

  /** It is about to take effect. */
  arriving(call: ServiceCall): void {
    const key = keyOf(call);
    if (isWrite(call) && key !== undefined) this.#sizesBefore.set(key, this.#sizeOf(key));
  }

  /** It took effect. */
  performed(call: ServiceCall, output: Readonly<Record<string, unknown>>): void {
    if (call.service !== 'dynamodb') return;
    const cost = this.#costs.get(purposeOf(call));
    if (cost === undefined) return;
    cost.calls++;
    const key = keyOf(call);
    if (isWrite(call)) {
      const before = this.#sizesBefore.get(key ?? '') ?? 0;
      cost.writeUnits += writeUnits(Math.max(before, key === undefined ? 0 : this.#sizeOf(key)));
    } else cost.readUnits += this.#readUnits(call, output, key);
  }

  #readUnits({ operation, input }: ServiceCall, output: Readonly<Record<string, unknown>>, key?: string): number {
    const { ConsistentRead = false } = input as TableCall;
    if (operation === 'GetItem' && key !== undefined) return readUnits(this.#sizeOf(key), ConsistentRead);
    const items = output['Items'] as readonly Attributes[] | undefined;
    if (operation === 'Scan' && items !== undefined) {
      return readUnits(
        items.reduce((sum, item) => sum + itemSize(item), 0),
        ConsistentRead,
      );
    }
    const requests = Object.values((input as TableCall).RequestItems ?? {});
    return requests
      .flatMap((request) => (request.Keys ?? []).map((Key) => ({ Key, isConsistent: request.ConsistentRead === true })))
      .reduce((sum, { Key, isConsistent }) => sum + readUnits(this.#sizeOf(leaseKeyOf(Key) ?? ''), isConsistent), 0);
  }

  #sizeOf(key: string): number {
    const item = this.aws.item(key) as Attributes | undefined;
    return item === undefined ? 0 : itemSize(item);
  }
}

function purposeOf(call: ServiceCall): Purpose {
  if (isWrite(call)) return purposeOfWrite[writeKindOf(call)];
  if (call.operation === 'Scan') return 'scans';
  const { ProjectionExpression } = call.input as TableCall;
  return call.operation === 'GetItem' && ProjectionExpression === 'millraceMail' ? 'mailReads' : 'others';
}

function keyOf({ input }: ServiceCall): string | undefined {
  const { Key, Item } = input as TableCall;
  return leaseKeyOf(Key ?? Item);
}
