import {
  type Checkpoint,
  checkpointAt,
  compareCheckpoints,
  effectiveOwner,
  type Random,
  silentLogger,
} from '@millrace/core';
import { aLease, seededRandom } from '@millrace/core/testing';
import { type HeldLease, LeaseCoordinator, resolveLeaseOptions } from '../src';
import { InMemoryLeaseStore, InMemoryLeaseTable, type LeaseChange, type LeaseFault } from '../src/testing';
import { identity, throttle, timeout } from './held-lease-harness';
import { behind, NodeClock, turn, WorldClock } from './simulated-world';

const options = resolveLeaseOptions({ failoverTimeMs: 1_000, handoverTimeoutMs: 500 }, []);
const CHAOS_MS = 8_000;
/** Failover with margin, hand-over timeout, and some ticks for the loads to even out. */
const CALM_MS = 12_000;

interface Node {
  readonly id: string;
  readonly clock: NodeClock;
  readonly coordinator: LeaseCoordinator;
  readonly stop: AbortController;
  readonly inUse: Set<string>;
  ended: boolean;
}

/** A fleet under faults from one seed. */
export class FaultSimulation {
  readonly #random: Random;
  readonly #world = new WorldClock();
  readonly #table = new InMemoryLeaseTable();
  readonly #nodes: Node[] = [];
  readonly #appliedCheckpoints = new Set<string>();
  readonly #deniedCheckpoints = new Set<string>();
  /** The first one. Thrown where it is found it would look like one more fault to the code under test. */
  #violation: string | undefined;
  #chaos = true;
  #serial = 0;
  deliveries = 0;
  stored = 0;

  constructor(
    seed: number,
    private readonly leases = 4,
  ) {
    this.#random = seededRandom(seed);
    this.#table.onChange((change) => this.#checkChange(change));
    for (let index = 0; index < leases; index++) this.#table.put(aLease({ leaseKey: `shard-${String(index)}` }));
  }

  async run(): Promise<void> {
    for (let index = 0; index < 3; index++) this.#join();
    await this.#pass(CHAOS_MS, () => this.#disturb());
    this.#chaos = false;
    const calmFromMs = this.#world.nowMs;
    await this.#pass(
      CALM_MS,
      () => undefined,
      () => this.#isWell(),
    );
    if (!this.#isWell()) {
      this.#violated(`not well ${String(this.#world.nowMs - calmFromMs)} ms after the last fault: ${this.#describe()}`);
    }
    for (const node of this.#nodes) {
      node.stop.abort(new Error('stopped'));
      for (const held of node.coordinator.heldLeases()) held.abandon();
    }
    await this.#pass(3_000, () => undefined);
    for (const id of this.#deniedCheckpoints) {
      if (this.#appliedCheckpoints.has(id)) this.#violated(`checkpoint ${id} was stored and reported as not stored`);
    }
    this.#throwViolation();
  }

  #throwViolation(): void {
    if (this.#violation !== undefined) throw new Error(this.#violation);
  }

  /** Event by event, looking for violations after each; `disturb` is called every 250 ms. */
  async #pass(durationMs: number, disturb: () => void, enough: () => boolean = () => false): Promise<void> {
    const untilMs = this.#world.nowMs + durationMs;
    while (this.#world.nowMs < untilMs && !enough()) {
      const nextMs = Math.min(untilMs, this.#world.nowMs + 250);
      while (await this.#world.step(nextMs)) this.#checkOverlap();
      this.#throwViolation();
      disturb();
      await turn();
    }
  }

  #violated(what: string): void {
    this.#violation ??= `${what}, at ${String(this.#world.nowMs)} ms`;
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  #upTo(max: number): number {
    return Math.floor(this.#random.next() * max);
  }

  #live(): Node[] {
    return this.#nodes.filter((node) => !node.ended);
  }

  #disturb(): void {
    for (const node of this.#live()) {
      if (!this.#chance(0.08)) continue;
      const kind = this.#upTo(5);
      if (kind === 0) node.clock.pause(this.#upTo(2_500));
      else if (kind === 1) node.clock.suspend(this.#upTo(2_500));
      else if (kind === 2) this.#crash(node);
      else if (kind === 3) node.stop.abort(new Error('stopped'));
    }
    if (this.#live().filter(({ stop }) => !stop.signal.aborted).length < 3 || this.#chance(0.02)) this.#join();
  }

  #crash(node: Node): void {
    node.ended = true;
    node.clock.crash();
  }

  #join(): void {
    const id = `w${String(this.#nodes.length)}`;
    const clock = new NodeClock(this.#world, 0.995 + this.#random.next() * 0.01, this.#upTo(1_000_000));
    const worldClock = { now: () => this.#world.nowMs, wallTime: () => 0, sleep: this.#world.sleep.bind(this.#world) };
    const store = new InMemoryLeaseStore({
      clock: worldClock,
      table: this.#table,
      fault: () => (node.ended ? { kind: 'lost-before' } : this.#fault()),
    });
    const node: Node = {
      id,
      clock,
      stop: new AbortController(),
      ended: false,
      inUse: new Set(),
      coordinator: new LeaseCoordinator({
        store: behind(clock, store),
        workerId: id,
        options,
        identity,
        initialTimestampMs: undefined,
        clock,
        random: seededRandom(this.#upTo(1_000_000)),
        logger: silentLogger,
        // As a worker does: not while the consumer of an earlier life of this lease has not settled.
        selectReadable: (leases) => leases.filter(({ leaseKey }) => !node.inUse.has(leaseKey)),
        onAcquired: (held) => void this.#consume(node, held),
      }),
    };
    this.#nodes.push(node);
    void node.coordinator.run(node.stop.signal).then(() => (node.ended = true));
  }

  #fault(): LeaseFault | undefined {
    if (!this.#chaos || !this.#chance(0.12)) return undefined;
    const faults: LeaseFault[] = [
      { kind: 'error', error: throttle() },
      { kind: 'error', error: timeout() },
      { kind: 'lost-before' },
      { kind: 'lost-after' },
      { kind: 'reset-after', error: timeout() },
      { kind: 'delay', beforeMs: this.#upTo(300), afterMs: this.#upTo(300) },
      { kind: 'delay', beforeMs: this.#upTo(4_000), afterMs: 0 },
    ];
    return faults[this.#upTo(faults.length)];
  }

  async #consume(node: Node, held: HeldLease): Promise<void> {
    node.inUse.add(held.leaseKey);
    const { clock } = node;
    const { checkpoint: from } = held.lease;
    let sequence = from.kind === 'sequence-number' ? Number(from.sequenceNumber) : 0;
    while (!held.closed && !held.expiring.aborted && !held.handoverRequested.aborted && !node.stop.signal.aborted) {
      if (held.mayDeliver()) {
        sequence++;
        this.deliveries++;
        if (this.#chance(0.4)) await this.#checkpoint(node, held, sequence);
      }
      await clock.sleep(50 + this.#upTo(200));
    }
    const settleMs = this.#chance(0.1) ? 1_500 : this.#upTo(50);
    await clock.sleep(settleMs);
    if (this.#chance(0.5)) await this.#checkpoint(node, held, sequence);
    if (this.#chance(0.05)) held.abandon();
    await held.release();
    node.inUse.delete(held.leaseKey);
  }

  async #checkpoint(node: Node, held: HeldLease, sequence: number): Promise<void> {
    const subSequenceNumber = ++this.#serial;
    const checkpoint = checkpointAt({ sequenceNumber: String(sequence), subSequenceNumber });
    const outcome = await held.checkpoint(checkpoint);
    const row = this.#table.get(held.leaseKey);
    if (outcome.kind === 'stored') {
      this.stored++;
      if (row === undefined || compareCheckpoints(row.checkpoint, checkpoint) < 0) {
        this.#violated(`checkpoint ${String(subSequenceNumber)} of ${node.id} was reported as stored and is not`);
      }
    } else if (outcome.kind === 'lost' && outcome.stored === 'no') {
      this.#deniedCheckpoints.add(String(subSequenceNumber));
    }
  }

  #checkChange({ leaseKey, before, after }: LeaseChange): void {
    if (before === undefined || after === undefined) return;
    const moved = after.leaseCounter - before.leaseCounter;
    if (moved < 0) this.#violated(`the counter of ${leaseKey} went back`);
    if (moved === 0 && effectiveOwner(before) !== effectiveOwner(after)) {
      this.#violated(`the effective owner of ${leaseKey} changed without its counter`);
    }
    if (sameCheckpoint(before.checkpoint, after.checkpoint)) return;
    if (moved === 0) this.#violated(`a checkpoint of ${leaseKey} left the counter`);
    if (compareCheckpoints(after.checkpoint, before.checkpoint) < 0) {
      this.#violated(`the checkpoint of ${leaseKey} went back`);
    }
    if (after.checkpoint.kind === 'sequence-number') {
      this.#appliedCheckpoints.add(String(after.checkpoint.subSequenceNumber));
    }
  }

  #checkOverlap(): void {
    const holders = new Map<string, string>();
    for (const { id, clock, coordinator, ended } of this.#nodes) {
      // A suspended machine asks its clocks only when it is awake again.
      if (ended || clock.isSuspended) continue;
      for (const held of coordinator.heldLeases()) {
        // Beyond what may be started now, a handler that has not been told to stop may be at work. No timer can tell
        // one on a machine that has just slept.
        if (!held.mayDeliver() && !(clock.steadyForMs > 2 * options.failoverTimeMs && held.active)) continue;
        const other = holders.get(held.leaseKey);
        if (other !== undefined) {
          this.#violated(`${other} and ${id} may both deliver ${held.leaseKey}`);
        }
        holders.set(held.leaseKey, id);
      }
    }
  }

  #isWell(): boolean {
    const live = this.#live().filter(({ stop, clock }) => !stop.signal.aborted && clock.isAwake);
    const loads = live.map(({ coordinator }) => coordinator.heldLeases().filter((held) => held.mayDeliver()).length);
    const total = loads.reduce((sum, load) => sum + load, 0);
    return total === this.leases && Math.max(...loads) - Math.min(...loads) <= 1;
  }

  #describe(): string {
    const rows = this.#table.rows().map(({ leaseKey, leaseCounter, leaseOwner, checkpointOwner, handedOver }) => ({
      ...{ leaseKey, leaseCounter, leaseOwner, checkpointOwner, handedOver },
    }));
    const nodes = this.#live().map(({ id, coordinator, stop }) => ({
      id,
      stopping: stop.signal.aborted,
      held: coordinator.heldLeases().map(({ leaseKey, closed, ending }) => ({ leaseKey, closed, ending })),
    }));
    return JSON.stringify({ rows, nodes });
  }
}

function sameCheckpoint(a: Checkpoint, b: Checkpoint): boolean {
  return compareCheckpoints(a, b) === 0;
}
