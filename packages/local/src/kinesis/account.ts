import type { Clock } from '@millrace/core';
import { streamNameRule, type Input } from './input';
import type { KinesisLimits } from './limits';
import { invalidArgument, KinesisServiceError, resourceNotFound } from './service-error';
import { Stream } from './stream';

export interface AccountOptions {
  readonly clock: Clock;
  readonly limits: KinesisLimits;
  readonly region: string;
  readonly accountId: string;
  readonly streamTransitionMs: number;
}

const arnRule = { minLength: 1, maxLength: 2048, pattern: /^arn:aws.*:kinesis:.*:\d{12}:stream\/\S+$/ };

/** The streams of one account in one region, and what every operation needs beside its input. */
export class Account {
  readonly clock: Clock;
  readonly limits: KinesisLimits;
  readonly region: string;
  readonly id: string;
  /** How long a stream stays CREATING, UPDATING or DELETING. */
  readonly streamTransitionMs: number;
  readonly #streams = new Map<string, Stream>();
  #created = 0;
  /** By name, also of streams that are gone. */
  readonly #latestCreationMs = new Map<string, number>();

  constructor(options: AccountOptions) {
    this.clock = options.clock;
    this.limits = options.limits;
    this.region = options.region;
    this.id = options.accountId;
    this.streamTransitionMs = options.streamTransitionMs;
  }

  /** A new stream without shards, ACTIVE. The caller has checked that the name is free. */
  addStream(name: string): Stream {
    // Creation time is how clients tell a stream from an earlier one under its name, so it must differ.
    const createdAtMs = Math.max(Math.floor(this.clock.wallTime()), (this.#latestCreationMs.get(name) ?? 0) + 1);
    this.#latestCreationMs.set(name, createdAtMs);
    const stream = new Stream({
      name,
      arn: `arn:aws:kinesis:${this.region}:${this.id}:stream/${name}`,
      id: `${createdAtMs}-${this.#created++}`,
      createdAtMs,
      clock: this.clock,
      limits: this.limits,
    });
    this.#streams.set(name, stream);
    return stream;
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

  stream(name: string): Stream {
    return this.findStream(name) ?? this.#noStream(name);
  }

  /** The stream that a request names by StreamName, StreamARN, or both. */
  streamOf(input: Input): Stream {
    const name = input.optionalText('StreamName', streamNameRule);
    const arn = input.optionalText('StreamARN', arnRule);
    if (arn === undefined) {
      if (name === undefined) throw invalidArgument('Either StreamName or StreamARN must be given.');
      return this.stream(name);
    }
    const arnName = arn.slice(arn.lastIndexOf(':stream/') + ':stream/'.length);
    if (name !== undefined && name !== arnName) {
      throw invalidArgument(`StreamName ${name} and StreamARN ${arn} do not name the same stream.`);
    }
    const stream = this.findStream(arnName);
    return stream?.arn === arn ? stream : this.#noStream(arn);
  }

  /** The stream that a request names, if nothing is being done to it. */
  activeStreamOf(input: Input): Stream {
    const stream = this.streamOf(input);
    if (stream.status !== 'ACTIVE') {
      throw new KinesisServiceError(
        'ResourceInUseException',
        `Stream ${stream.name} under account ${this.id} not ACTIVE, instead in state ${stream.status}`,
      );
    }
    return stream;
  }

  openShardCount(): number {
    return this.streams().reduce((sum, stream) => sum + stream.openShards.length, 0);
  }

  /** Refuses to go beyond the account's quota of open shards. */
  assertRoomForShards(additional: number): void {
    const current = this.openShardCount();
    if (current + additional <= this.limits.shardQuota) return;
    throw new KinesisServiceError(
      'LimitExceededException',
      `This request would exceed the shard limit for the account ${this.id} in ${this.region}. ` +
        `Current shard count for the account: ${current}. Limit: ${this.limits.shardQuota}. ` +
        `Number of additional shards that would have resulted from this request: ${additional}.`,
    );
  }

  #noStream(name: string): never {
    throw resourceNotFound(`Stream ${name} under account ${this.id} not found.`);
  }
}
