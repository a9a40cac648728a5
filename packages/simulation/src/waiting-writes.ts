import type { Chance } from './chance';
import { effectiveOwnerOf, leaseRowOf, type Item, type LeaseRow } from './lease-row';
import type { ServiceCall } from './service-call';
import type { SimulatedAws } from './simulated-aws';
import { rowKeyOf, type TableCall } from './table-call';
import type { Happening, VirtualTime } from './virtual-time';
import { writeKindOf, type WriteKind } from './write-kinds';

export interface WaitingWritesParts {
  readonly time: VirtualTime;
  readonly aws: Pick<SimulatedAws, 'item'>;
  readonly chance: Chance;
}

interface WaitingWrite {
  readonly call: ServiceCall;
  readonly leaseKey: string;
  readonly isMoment: Moment;
  /** Right before an adoption, instead of after a write. */
  readonly isBeforeAdoption: boolean;
  readonly arrive: () => void;
  /** When it arrives if its moment does not come. */
  readonly latest: Happening;
}

type Values = NonNullable<TableCall['ExpressionAttributeValues']>;

/** Whether only what a write expects of the counter, or of the owner, keeps it from doing harm to this row. */
type Moment = (row: LeaseRow, values: Values) => boolean;

const isAskedOfMe: Moment = ({ checkpointOwner }, values) => checkpointOwner === values[':me']?.S;
const isMine: Moment = ({ leaseOwner }, values) => leaseOwner === values[':me']?.S;
const iMayWrite: Moment = (row, values) => effectiveOwnerOf(row) === values[':me']?.S;
const isAnothers: Moment = (row, values) =>
  row.leaseOwner !== undefined && !row.marks.includes('HandedOver') && effectiveOwnerOf(row) !== values[':me']?.S;

/** A request names an owner, and has no counter: there are three ways in which it can come at the wrong time. */
const isNotItsOwners: Moment = ({ leaseOwner, checkpointOwner }, values) =>
  leaseOwner !== values[':owner']?.S && checkpointOwner === undefined;
const itsOwnerAsks: Moment = ({ leaseOwner, checkpointOwner }, values) =>
  leaseOwner === values[':owner']?.S && checkpointOwner !== undefined;
const isHandedToItsOwner: Moment = ({ leaseOwner, marks }, values) =>
  leaseOwner === values[':owner']?.S && marks.includes('HandedOver');

const moments: Partial<Record<WriteKind, readonly Moment[]>> = {
  'hands over': [isAskedOfMe],
  cancels: [isAskedOfMe],
  releases: [isMine],
  'releases to a successor': [isMine],
  adopts: [isMine],
  renews: [iMayWrite],
  checkpoints: [iMayWrite],
  takes: [isAnothers],
  evicts: [isAnothers],
  asks: [isNotItsOwners, itsOwnerAsks, isHandedToItsOwner],
};

/** Late writes that come at the worst moment: soon after another one has made the row look like the one they are for. */
export class WaitingWrites {
  #waiting: readonly WaitingWrite[] = [];

  constructor(private readonly parts: WaitingWritesParts) {}

  /** False for calls that have no worst moment. Any other arrives once: at that moment, or after `latestMs`. */
  hold(call: ServiceCall, latestMs: number, arrive: () => void): boolean {
    const { time, chance } = this.parts;
    const leaseKey = rowKeyOf(call.input);
    const isMoment = chance.oneOf(moments[writeKindOf(call)] ?? []);
    if (leaseKey === undefined || isMoment === undefined) return false;
    const latest = time.later(latestMs, () => {
      this.#forget(held);
      arrive();
    });
    const isBeforeAdoption = isMoment === isHandedToItsOwner;
    const held: WaitingWrite = { call, leaseKey, isMoment, isBeforeAdoption, arrive, latest };
    this.#waiting = [...this.#waiting, held];
    return true;
  }

  /** The call is about to take effect. */
  arriving(call: ServiceCall): void {
    if (this.#waiting.length === 0 || writeKindOf(call) !== 'adopts') return;
    for (const { arrive } of this.#due(call, true)) arrive();
  }

  /** The call has changed its row. */
  applied(call: ServiceCall): void {
    if (this.#waiting.length === 0) return;
    const { time, chance } = this.parts;
    for (const { latest, arrive } of this.#due(call, false)) {
      time.at(Math.min(latest.atMs, time.nowMs + chance.between(1, 300)), arrive);
    }
  }

  /** Those whose moment has come by this call; they wait no longer. */
  #due(call: ServiceCall, isBeforeAdoption: boolean): readonly WaitingWrite[] {
    const leaseKey = rowKeyOf(call.input);
    const ofRow = this.#waiting.filter(
      (held) => held.leaseKey === leaseKey && held.isBeforeAdoption === isBeforeAdoption,
    );
    if (leaseKey === undefined || ofRow.length === 0) return [];
    const item = this.parts.aws.item(leaseKey) as Item | undefined;
    const row = item === undefined ? undefined : leaseRowOf(item);
    if (row === undefined) return [];
    const due = ofRow.filter(
      // A write and its repetitions bear one id.
      (held) => writeIdOf(held.call) !== writeIdOf(call) && held.isMoment(row, valuesOf(held.call)),
    );
    for (const held of due) {
      held.latest.isCancelled = true;
      this.#forget(held);
    }
    return due;
  }

  #forget(held: WaitingWrite): void {
    this.#waiting = this.#waiting.filter((other) => other !== held);
  }
}

function valuesOf({ input }: ServiceCall): Values {
  return (input as TableCall).ExpressionAttributeValues ?? {};
}

function writeIdOf(call: ServiceCall): string | undefined {
  return valuesOf(call)[':write']?.S;
}
