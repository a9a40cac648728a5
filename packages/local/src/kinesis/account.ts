import type { Clock } from '@millrace/core';
import { ControlPlaneRates } from './control-plane-rates';
import { streamNameRule, type Input } from './input';
import type { KinesisLimits } from './limits';
import { invalidArgument, KinesisServiceError, resourceNotFound } from './service-error';
import { Stream, type QuotaUse, type StreamSeed } from './stream';

export interface AccountOptions {
  readonly clock: Clock;
  readonly limits: KinesisLimits;
  readonly region: string;
  readonly accountId: string;
  readonly streamTransitionMs: number;
}

/** How often what nobody looks at is looked at: expired records and shards, and streams that have been deleted. */
const tidyEveryMs = 60_000;

const arnRule = { minLength: 1, maxLength: 2048, pattern: /^arn:aws.*:kinesis:.*:\d{12}:stream\/\S+$/ };

/** The streams of one account in one region, and what every operation needs beside its input. */
export class Account {
  readonly clock: Clock;
  readonly limits: KinesisLimits;
  readonly region: string;
  readonly id: string;
  readonly rates: ControlPlaneRates;
  /** How long a stream stays CREATING, UPDATING or DELETING. */
  readonly streamTransitionMs: number;
  /** What an iterator issued now carries. It grows each time that iterators are made to expire. */
  iteratorSerial = 0;
  /** Iterators with a smaller serial number are expired. */
  oldestIteratorSerial = 0;
  readonly #streams = new Map<string, Stream>();
  #created = 0;
  /** By name, also of streams that are gone, as long as another stream could come into being in that second. */
  readonly #latestCreationSeconds = new Map<string, number>();
  #tidiedAtMs = -Infinity;

  constructor(options: AccountOptions) {
    this.clock = options.clock;
    this.limits = options.limits;
    this.region = options.region;
    this.id = options.accountId;
    this.streamTransitionMs = options.streamTransitionMs;
    this.rates = new ControlPlaneRates(options.clock, options.limits, options.accountId);
  }

  /** A new stream without shards, ACTIVE. The caller has checked that the name is free. */
  addStream(settings: Pick<StreamSeed, 'initialShardCount' | 'maxRecordBytes' | 'mode' | 'name' | 'tags'>): Stream {
    const { name } = settings;
    const createdAtMs = Math.floor(this.clock.wallTime());
    const stream = new Stream({
      ...settings,
      arn: `arn:aws:kinesis:${this.region}:${this.id}:stream/${name}`,
      id: `${createdAtMs}-${this.#created++}`,
      createdAtMs,
      creationTimestamp: this.#creationTimestamp(name, Math.floor(createdAtMs / 1000)),
      clock: this.clock,
      limits: this.limits,
    });
    this.#streams.set(name, stream);
    return stream;
  }

  /**
   * In whole seconds, as AWS shows it: some clients can send no more than that back. It is how clients tell a stream from an
   * earlier one under its name, so it must differ.
   */
  #creationTimestamp(name: string, nowSeconds: number): number {
    for (const [other, seconds] of this.#latestCreationSeconds) {
      if (seconds < nowSeconds) this.#latestCreationSeconds.delete(other);
    }
    const seconds = Math.max(nowSeconds, (this.#latestCreationSeconds.get(name) ?? 0) + 1);
    this.#latestCreationSeconds.set(name, seconds);
    return seconds;
  }

  /** All streams in the order of their names. */
  streams(): readonly Stream[] {
    return [...this.#streams.keys()]
      .sort()
      .map((name) => this.findStream(name))
      .filter((stream) => stream !== undefined);
  }

  findStream(name: string): Stream | undefined {
    const stream = this.#streams.get(name);
    stream?.settle();
    if (stream?.isDeleted === true) {
      this.#streams.delete(name);
      return undefined;
    }
    return stream;
  }

  /** Forgets, now and then, what is expired or deleted and would be forgotten at the next look. */
  tidy(): void {
    const nowMs = this.clock.now();
    if (nowMs - this.#tidiedAtMs < tidyEveryMs) return;
    this.#tidiedAtMs = nowMs;
    for (const stream of this.streams()) stream.forgetExpired();
  }

  stream(name: string): Stream {
    return this.findStream(name) ?? this.#noStream(name);
  }

  /** The stream that a request names by StreamName, StreamARN, or both. */
  streamOf(input: Input): Stream {
    const name = input.optionalText('StreamName', streamNameRule);
    if (!input.has('StreamARN')) {
      if (name === undefined) throw invalidArgument('Either StreamName or StreamARN must be given.');
      return this.stream(name);
    }
    const arn = input.text('StreamARN', arnRule);
    if (name !== undefined && name !== nameInArn(arn)) {
      throw invalidArgument(`StreamName ${name} and StreamARN ${arn} do not name the same stream.`);
    }
    return this.#byArn(arn);
  }

  /** The stream that a request names in a member that takes nothing but an ARN. */
  streamByArn(input: Input, member: string): Stream {
    return this.#byArn(input.text(member, arnRule));
  }

  /** Refuses if something is being done to the stream. */
  assertActive(stream: Stream): Stream {
    if (stream.status === 'ACTIVE') return stream;
    throw new KinesisServiceError(
      'ResourceInUseException',
      `Stream ${stream.name} under account ${this.id} not ACTIVE, instead in state ${stream.status}`,
    );
  }

  /** The stream that a request names, if nothing is being done to it. */
  activeStreamOf(input: Input): Stream {
    return this.assertActive(this.streamOf(input));
  }

  /** Open shards that count towards the quota, and those that streams in CREATING will open. */
  openShardCount(): number {
    return this.streams()
      .filter((stream) => stream.mode === 'PROVISIONED')
      .reduce((sum, { openShards, initialShardCount }) => sum + (openShards.length || initialShardCount), 0);
  }

  /** Refuses to go beyond the account's quota of open shards. Those that changes under way will open count as well. */
  assertRoomForShards(additional: number): void {
    const current = this.openShardCount() + this.#reserved('shards');
    if (current + additional <= this.limits.shardQuota) return;
    throw new KinesisServiceError(
      'LimitExceededException',
      `This request would exceed the shard limit for the account ${this.id} in ${this.region}. ` +
        `Current shard count for the account: ${current}. Limit: ${this.limits.shardQuota}. ` +
        `Number of additional shards that would have resulted from this request: ${additional}.`,
    );
  }

  onDemandStreamCount(): number {
    return this.streams().filter((stream) => stream.mode === 'ON_DEMAND').length;
  }

  /** The same for the quota of streams in the mode ON_DEMAND. */
  assertRoomForOnDemandStream(): void {
    const current = this.onDemandStreamCount() + this.#reserved('onDemandStreams');
    if (current < this.limits.onDemandStreamQuota) return;
    throw new KinesisServiceError(
      'LimitExceededException',
      `This request would exceed the on-demand stream limit for the account ${this.id} in ${this.region}. ` +
        `Current on-demand stream count for the account: ${current}. Limit: ${this.limits.onDemandStreamQuota}.`,
    );
  }

  #reserved(what: keyof QuotaUse): number {
    return this.streams().reduce((sum, { reserved }) => sum + (reserved[what] ?? 0), 0);
  }

  #byArn(arn: string): Stream {
    const stream = this.findStream(nameInArn(arn));
    return stream?.arn === arn ? stream : this.#noStream(arn);
  }

  #noStream(name: string): never {
    throw resourceNotFound(`Stream ${name} under account ${this.id} not found.`);
  }
}

/** What stands where the ARN of a stream has its name. */
export function nameInArn(arn: string): string {
  return arn.slice(arn.lastIndexOf(':stream/') + ':stream/'.length);
}
