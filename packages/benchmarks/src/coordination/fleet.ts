import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AwsReady } from './aws-server';
import { Children, type Child } from './children';
import { DeliveryLog, type Account } from './delivery-log';
import { evenSinceMs, holdingsOf, LeaseLog } from './lease-log';
import type { Attempts, Observation, WorkerMessage, WorkerSettings } from './messages';
import type { NumberedStream } from './numbered-stream';
import { sharedNowMs } from './shared-time';

/** `failoverTimeMs` of every scenario. */
export const failoverTimeMs = 10_000;

/** How long nothing may move until a fleet that is even counts as settled. What moves later is not seen. */
const quietMs = 500;
/** A fleet that needs longer for anything never gets there. */
const limitMs = 60_000;
/** Several idle polls of 10 s. */
const drainLimitMs = 40_000;
const pollMs = 10;

export interface FleetOptions {
  readonly aws: AwsReady;
  readonly stream: NumberedStream;
  readonly applicationName: string;
  /** The worker's default if it isn't given. */
  readonly idleTimeBetweenReadsMs?: number;
  readonly signal: AbortSignal;
}

/** One worker process. */
export interface Member {
  readonly name: string;
  readonly child: Child;
  /** When `run()` was called, and when it had registered itself. */
  calledAtMs: number | undefined;
  registeredAtMs: number | undefined;
  attempts: Attempts;
  state: 'gone' | 'leaving' | 'live' | 'loaded' | 'loading';
}

/** Worker processes of one application, and all that they have reported. A process that ends unasked fails all waiting. */
export class Fleet {
  readonly leases = new LeaseLog();
  readonly deliveries: DeliveryLog;
  readonly #options: FleetOptions;
  readonly #children = new Children();
  readonly #members: Member[] = [];
  readonly #failed = new AbortController();
  readonly #signal: AbortSignal;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.deliveries = new DeliveryLog(options.stream.shardIds);
    this.#signal = AbortSignal.any([options.signal, this.#failed.signal]);
  }

  /** Those that are to hold leases, the oldest first. */
  get live(): readonly Member[] {
    return this.#members.filter(({ state }) => state === 'live');
  }

  get attempts(): Attempts {
    const total = (kind: keyof Attempts): number =>
      this.#members.reduce((sum, { attempts }) => sum + attempts[kind], 0);
    return { creates: total('creates'), claims: total('claims') };
  }

  /** New processes, once all of them have loaded their modules and only wait to be told to go. */
  async prepare(count: number): Promise<readonly Member[]> {
    const loading = Array.from({ length: count }, () => this.#fork());
    await this.until('loaded', () => loading.every(({ state }) => state === 'loaded'));
    return loading;
  }

  /** From now on they are of the fleet. Resolves when the last of them has registered, with when that was. */
  async go(members: readonly Member[]): Promise<number> {
    for (const member of members) {
      member.state = 'live';
      member.child.go();
    }
    await this.until('registered', () => members.every(({ registeredAtMs }) => registeredAtMs !== undefined));
    return Math.max(...members.map(({ registeredAtMs = NaN }) => registeredAtMs));
  }

  /** Sends the signal, by which the process leaves the fleet. Returns when that was. */
  sendAway(member: Member, signal: 'SIGKILL' | 'SIGTERM'): number {
    member.state = 'leaving';
    const atMs = sharedNowMs();
    member.child.kill(signal);
    return atMs;
  }

  /** What a worker holds, as far as it was heard. */
  heldBy({ name }: Member): readonly string[] {
    return [...(holdingsOf(this.leases.events).get(name) ?? [])];
  }

  /** Resolves when each shard has one owner, all have as many within one, and nothing has moved for a while; with since when. */
  async untilEven(): Promise<number> {
    const mates = { workers: this.live.map(({ name }) => name), shards: this.#options.stream.shardIds.length };
    const found: { heard: number; evenMs: number | undefined } = { heard: -1, evenMs: undefined };
    await this.until('even', () => {
      const { events } = this.leases;
      // Looked through again only when there is something new.
      if (events.length !== found.heard) found.evenMs = evenSinceMs(events, mates);
      found.heard = events.length;
      return found.evenMs !== undefined && sharedNowMs() - (events.at(-1)?.atMs ?? 0) > quietMs;
    });
    return found.evenMs ?? NaN;
  }

  /** @throws what made it fail, or that it takes too long, with who holds how much then */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const giveUpAtMs = sharedNowMs() + limitMs;
    while (!isSo()) {
      this.#signal.throwIfAborted();
      if (sharedNowMs() > giveUpAtMs) {
        throw new Error(`the workers are not ${what} after ${limitMs / 1_000} s: ${this.#holdings()}`);
      }
      await sleep(pollMs, undefined, { signal: this.#signal }).catch(() => this.#signal.throwIfAborted());
    }
  }

  /** Lets everything that was produced arrive, and counts. What does not arrive in time is missing. */
  async drain(): Promise<Account> {
    const { stream } = this.#options;
    await stream.stopProducing();
    const giveUpAtMs = sharedNowMs() + drainLimitMs;
    await this.until('drained', () => this.#isComplete() || sharedNowMs() > giveUpAtMs);
    // What comes twice comes at once.
    await sleep(quietMs, undefined, { signal: this.#signal });
    return this.deliveries.account(stream.produced);
  }

  fail(error: unknown): void {
    this.#failed.abort(error);
  }

  /** Kills those that are left. */
  async close(): Promise<void> {
    for (const member of this.#members) member.state = 'leaving';
    await this.#children.close();
  }

  #isComplete(): boolean {
    return this.deliveries.account(this.#options.stream.produced).missing === 0;
  }

  #fork(): Member {
    const { aws, stream, applicationName, idleTimeBetweenReadsMs } = this.#options;
    const name = `worker-${this.#members.length + 1}`;
    const settings: WorkerSettings = {
      name,
      kinesisEndpoint: aws.endpoint,
      dynamodbEndpoint: aws.dynamodbEndpoint,
      streamName: stream.name,
      applicationName,
      failoverTimeMs,
      idleTimeBetweenReadsMs,
    };
    const child = this.#children.fork(join(__dirname, 'worker-script.js'), settings, (message) => {
      if (member.state !== 'gone') this.#hear(member, message as WorkerMessage);
    });
    const member: Member = {
      name,
      child,
      calledAtMs: undefined,
      registeredAtMs: undefined,
      attempts: { creates: 0, claims: 0 },
      state: 'loading',
    };
    this.#members.push(member);
    void child.gone.then((how) => {
      if (member.state !== 'leaving') this.fail(new Error(`${name} has ended unexpectedly: ${how}`));
      member.state = 'gone';
    });
    return member;
  }

  #hear(member: Member, message: WorkerMessage): void {
    if (message.kind === 'loaded') {
      member.state = 'loaded';
      return;
    }
    member.attempts = message.attempts;
    for (const observation of message.observations) this.#note(member, observation);
  }

  #note(member: Member, observation: Observation): void {
    const { atMs } = observation;
    const worker = member.name;
    switch (observation.what) {
      case 'called':
        member.calledAtMs = atMs;
        break;
      case 'registered':
        member.registeredAtMs = atMs;
        break;
      case 'delivered':
        this.deliveries.add({ worker, atMs, shardId: observation.shardId, numbers: observation.numbers });
        break;
      case 'acquired':
      case 'gave-up':
        this.leases.add({ worker, atMs, shardId: observation.shardId, what: observation.what });
        break;
    }
  }

  #holdings(): string {
    return this.live.map((member) => `${member.name} ${this.heldBy(member).length}`).join(', ');
  }
}
