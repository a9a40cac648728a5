import type { Ledger, LeaseWrite, ProcessorEvent } from './ledger';

/** One holding of one lease: from the write that acquired it until the next one. */
interface Reign {
  readonly shardId: string;
  readonly worker: string;
  readonly token: number;
  readonly acquiredAtMs: number;
  /** The number of the last record that was acknowledged when it began. */
  readonly start: number;
}

/** A delivery of a batch. */
type Begin = Extract<ProcessorEvent, { kind: 'begin' }>;

type Holder = Pick<ProcessorEvent, 'worker' | 'shardId' | 'token'>;

interface View extends Ledger {
  /** By shard, oldest first. */
  readonly reigns: ReadonlyMap<string, readonly Reign[]>;
  /** Of all workers, in the order in which they happened. */
  readonly begins: readonly Begin[];
  /** Which number a row's checkpoint stands for; `undefined` for a position that nobody put. */
  numberOf(shardId: string, checkpoint: string): number | undefined;
}

/** What is wrong with a run by the guarantees in docs/guarantees.md; nothing if they were kept. */
export function violations(ledger: Ledger): readonly string[] {
  const view = viewOf(ledger);
  return [
    ...everyRecordIsAcknowledged(view),
    ...everyLeaseIsReadInOrder(view),
    ...checkpointsMoveForwards(view),
    ...onlyTheHolderStores(view),
    ...nothingBeginsPastTheDeadline(view),
    ...nothingComesTwiceWithoutLoss(view),
    ...nothingComesAgainThatWasAcknowledged(view),
    ...nothingIsStoredThatWasNotAcknowledged(view),
    ...answersAreTrue(view),
  ];
}

function viewOf(ledger: Ledger): View {
  const numbers = new Map(ledger.puts.map(({ shardId, number, sequenceNumber }) => [shardId + sequenceNumber, number]));
  const numberOf = (shardId: string, checkpoint: string): number | undefined =>
    checkpoint === 'TRIM_HORIZON' ? 0 : numbers.get(shardId + checkpoint);
  const begins = ledger.events.filter((event) => event.kind === 'begin').sort((a, b) => a.atMs - b.atMs);
  return { ...ledger, begins, numberOf, reigns: reignsOf(ledger, numberOf) };
}

/** A lease changes hands by a write of its new owner. One that takes its own back is known only by what it said. */
function reignsOf({ writes, events }: Ledger, numberOf: View['numberOf']): View['reigns'] {
  const said = new Set(events.flatMap((event) => (event.kind === 'taken' ? [nameOf(event)] : [])));
  const reigns = new Map<string, Reign[]>();
  for (const { shardId, writer, atMs, before, after } of writes) {
    if (after?.owner !== writer) continue;
    const reign = { shardId, worker: writer, token: after.counter };
    if (before?.owner === writer && !said.has(nameOf(reign))) continue;
    const start = numberOf(shardId, after.checkpoint) ?? NaN;
    reigns.set(shardId, [...(reigns.get(shardId) ?? []), { ...reign, acquiredAtMs: atMs, start }]);
  }
  return reigns;
}

/** Whose the lease was when its counter stood there. */
function reignAt({ reigns }: View, { shardId, after }: LeaseWrite): Reign | undefined {
  return reigns.get(shardId)?.findLast(({ token }) => after !== undefined && token <= after.counter);
}

function everyRecordIsAcknowledged({ puts, begins, writes, numberOf }: View): readonly string[] {
  const delivered = new Set(begins.flatMap(({ shardId, numbers }) => numbers.map((number) => `${shardId} ${number}`)));
  const rows = new Map(writes.map(({ shardId, after }) => [shardId, after]));
  const last = new Map(puts.map(({ shardId, number }) => [shardId, number]));
  return [
    ...puts.flatMap(({ shardId, number }) =>
      delivered.has(`${shardId} ${number}`) ? [] : [`G1: record ${number} of ${shardId} was never delivered`],
    ),
    ...[...last].flatMap(([shardId, number]) => {
      const reached = numberOf(shardId, rows.get(shardId)?.checkpoint ?? '');
      return reached === number ? [] : [`G1: ${shardId} is acknowledged up to ${String(reached)} of ${number}`];
    }),
  ];
}

/** Within a reign every record follows the one before it, and the first follows the checkpoint that was stored. */
function everyLeaseIsReadInOrder({ events, reigns }: View): readonly string[] {
  const found: string[] = [];
  const next = new Map<string, number>();
  const underWay = new Set<string>();
  for (const event of events) {
    const name = nameOf(event);
    if (event.kind === 'end') underWay.delete(name);
    if (event.kind !== 'begin') continue;
    const reign = reigns.get(event.shardId)?.find((candidate) => nameOf(candidate) === name);
    if (reign === undefined) found.push(`G3: ${name} delivers, but never acquired the lease`);
    if (underWay.has(name)) found.push(`G2: ${name} was called while a call was under way`);
    underWay.add(name);
    let expected = next.get(name) ?? (reign?.start ?? 0) + 1;
    for (const number of event.numbers) {
      if (number !== expected) found.push(`G2: ${name} was given ${number} instead of ${expected}`);
      expected = number + 1;
    }
    next.set(name, expected);
  }
  return found;
}

function checkpointsMoveForwards({ writes, numberOf }: View): readonly string[] {
  return writes.flatMap(({ shardId, writer, before, after }) => {
    const what = `G3: ${writer} moved ${shardId}`;
    if (after === undefined) return [`${what} away: the row is gone`];
    const reached = numberOf(shardId, after.checkpoint);
    if (reached === undefined) return [`${what} to ${after.checkpoint}, which is no record`];
    if (before === undefined) return [];
    const from = numberOf(shardId, before.checkpoint) ?? 0;
    return [
      ...(reached < from ? [`${what} back from ${from} to ${reached}`] : []),
      ...(after.counter < before.counter ? [`${what}'s counter back from ${before.counter} to ${after.counter}`] : []),
      ...(reached !== from && after.counter === before.counter ? [`${what} without moving its counter`] : []),
    ];
  });
}

function onlyTheHolderStores(view: View): readonly string[] {
  return view.writes.flatMap((write) => {
    const { shardId, writer, before, after } = write;
    if (before === undefined || after === undefined) return [];
    const what = `G3: ${writer} wrote to ${shardId} at ${after.counter}`;
    const isStored = before.checkpoint !== after.checkpoint;
    const isAnothers = before.owner !== writer && before.owner === after.owner && before.counter !== after.counter;
    if (isAnothers || (isStored && before.owner !== writer)) return [`${what}, which is ${String(before.owner)}'s`];
    const reign = reignAt(view, write);
    return isStored && reign?.worker !== writer ? [`${what}, which ${String(reign?.worker)} has acquired`] : [];
  });
}

/**
 * No batch begins after another has acquired the lease, or a failover time after the last write under it took effect: the
 * write began before that.
 */
function nothingBeginsPastTheDeadline(view: View): readonly string[] {
  const { begins, reigns, writes, failoverTimeMs } = view;
  return begins.flatMap((begin) => {
    const { worker, shardId, token, atMs } = begin;
    const what = `G4: ${nameOf(begin)} began ${begin.numbers.join(' ')}`;
    const successor = reigns.get(shardId)?.find((one) => one.token > token && one.acquiredAtMs < atMs);
    if (successor !== undefined) {
      return [`${what} ${late(atMs - successor.acquiredAtMs)} after ${nameOf(successor)} had acquired the lease`];
    }
    const lastWrite = writes.findLast(
      (write) =>
        write.shardId === shardId &&
        write.writer === worker &&
        write.atMs <= atMs &&
        (write.after?.counter ?? 0) >= token,
    );
    const ageMs = atMs - (lastWrite?.atMs ?? -Infinity);
    return ageMs < failoverTimeMs ? [] : [`${what} ${late(ageMs)} after its last write`];
  });
}

/** A worker that gave its lease up cleanly has acknowledged all that it was given. */
function nothingComesTwiceWithoutLoss({ begins, events, killed }: View): readonly string[] {
  const lost = new Set(events.flatMap((event) => (event.kind === 'lost' ? [nameOf(event)] : [])));
  const given = new Map<string, Holder>();
  return begins.flatMap((begin) =>
    begin.numbers.flatMap((number) => {
      const record = `${begin.shardId} ${number}`;
      const before = given.get(record);
      given.set(record, begin);
      if (before === undefined || lost.has(nameOf(before)) || killed.includes(before.worker)) return [];
      return [`G5: ${nameOf(begin)} was given ${number} again, which ${nameOf(before)} had without losing its lease`];
    }),
  );
}

function nothingComesAgainThatWasAcknowledged({ begins, events }: View): readonly string[] {
  const stored = events.filter((event) => event.kind === 'stored');
  return begins.flatMap((begin) => {
    const [first = Infinity] = begin.numbers;
    const words = stored.find(
      ({ shardId, upTo, atMs }) => shardId === begin.shardId && upTo >= first && atMs < begin.atMs,
    );
    return words === undefined ? [] : [`G1: ${nameOf(begin)} was given ${first}, after ${words.upTo} was acknowledged`];
  });
}

function nothingIsStoredThatWasNotAcknowledged(view: View): readonly string[] {
  const asked = view.events.filter((event) => event.kind === 'asked');
  return view.writes.flatMap((write) => {
    const { shardId, before, after, atMs } = write;
    if (before === undefined || after === undefined || before.checkpoint === after.checkpoint) return [];
    const number = view.numberOf(shardId, after.checkpoint) ?? Infinity;
    const reign = reignAt(view, write);
    const isMeant = asked.some(
      (words) => reign !== undefined && nameOf(words) === nameOf(reign) && words.upTo >= number && words.atMs <= atMs,
    );
    return isMeant ? [] : [`G7: ${write.writer} stored ${number} of ${shardId}, which nobody had acknowledged`];
  });
}

/** A checkpoint that resolved was stored, and one that was refused for certain was not. */
function answersAreTrue(view: View): readonly string[] {
  const { events, writes, numberOf } = view;
  const isStored = (words: Holder, upTo: number, byMs: number): boolean =>
    writes.some((write) => {
      const { shardId, writer, atMs, after } = write;
      if (shardId !== words.shardId || writer !== words.worker || after === undefined || atMs > byMs) return false;
      const reign = reignAt(view, write);
      const reached = numberOf(shardId, after.checkpoint) ?? 0;
      return reign !== undefined && nameOf(reign) === nameOf(words) && reached >= upTo;
    });
  return events.flatMap((event) => {
    if (event.kind === 'stored' && !isStored(event, event.upTo, event.atMs)) {
      return [`G3: ${nameOf(event)} was told that ${event.upTo} is stored, and it was not`];
    }
    if (event.kind === 'refused' && event.stored === 'no' && isStored(event, event.upTo, Infinity)) {
      return [`G3: ${nameOf(event)} was told that ${event.upTo} is not stored, and it was`];
    }
    return [];
  });
}

function nameOf({ worker, shardId, token }: Holder): string {
  return `${worker}/${shardId}/${token}`;
}

function late(ms: number): string {
  return `${ms.toFixed(0)} ms`;
}
