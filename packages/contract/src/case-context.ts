import type {
  ChildShard,
  GetRecordsCommandOutput,
  Kinesis,
  PutRecordCommandOutput,
  Shard,
  StreamDescriptionSummary,
  _Record as KinesisRecord,
} from '@aws-sdk/client-kinesis';
import { abortable } from './abortable';
import { given, nameOf, Violation } from './expectations';
import type { Session } from './target';

/** Between two looks at whether something has happened. */
const pollMs = 500;

/** Looks, reads or attempts before a helper gives up. */
const maxAttempts = 400;

/** How often an empty page may come before it is believed: AWS may answer without records although there are some. */
const maxEmptyPages = 5;

/** What a case works with: the client, and the steps that most cases share. Every stream it makes is deleted in the end. */
export class CaseContext {
  readonly #made = new Set<string>();

  readonly kinesis: Kinesis;

  /** @param signal whose abort ends the case: every call, every rest, and what would come after them */
  constructor(
    private readonly session: Session,
    private readonly signal: AbortSignal,
  ) {
    this.kinesis = abortable(session.kinesis, signal);
  }

  /** A name that no stream has, for one to be made. `change` may make it longer. */
  newName(change = (name: string): string => name): string {
    this.signal.throwIfAborted();
    const name = change(this.session.newStreamName());
    this.#made.add(name);
    return name;
  }

  /** A new ACTIVE stream. */
  async stream(shardCount = 1): Promise<string> {
    const name = await this.creating({ ShardCount: shardCount });
    await this.#settle(name);
    return name;
  }

  async onDemandStream(): Promise<string> {
    const name = await this.creating({ StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
    await this.#settle(name);
    return name;
  }

  /** A new stream that nobody has waited for. */
  async creating(
    input: Omit<Parameters<Kinesis['createStream']>[0], 'StreamName'> = { ShardCount: 1 },
  ): Promise<string> {
    const name = this.newName();
    await this.patiently(() => this.kinesis.createStream({ StreamName: name, ...input }));
    return name;
  }

  /** An ACTIVE stream with two shards, made once, for cases that change nothing if they go as they should. */
  async sharedStream(): Promise<string> {
    const name = await this.session.sharedStream.ask((newName) => this.#createOnce(newName));
    await this.untilActive(name);
    return name;
  }

  /** Also if it was made already, and only the answer was lost. */
  async #createOnce(name: string): Promise<void> {
    try {
      await this.patiently(() => this.kinesis.createStream({ StreamName: name, ShardCount: 2 }));
    } catch (error) {
      if (nameOf(error) !== 'ResourceInUseException') throw error;
    }
  }

  async arnOf(name: string): Promise<string> {
    return given((await this.summary(name)).StreamARN, 'StreamARN');
  }

  /** The ARN that a stream without a match would have. */
  async missingArn(): Promise<string> {
    const name = await this.sharedStream();
    return (await this.arnOf(name)).replace(name, this.session.newStreamName());
  }

  async summary(name: string): Promise<StreamDescriptionSummary> {
    const { StreamDescriptionSummary: summary } = await this.patiently(() =>
      this.kinesis.describeStreamSummary({ StreamName: name }),
    );
    return given(summary, 'StreamDescriptionSummary');
  }

  /** Waits until the stream can be found and is ACTIVE. */
  async untilActive(name: string): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      if ((await this.summary(name)).StreamStatus === 'ACTIVE') return;
      await this.rest(pollMs);
    }
    throw new Violation('the stream does not become ACTIVE');
  }

  /** Waits for a change that has only just begun. */
  async #settle(name: string): Promise<void> {
    await this.rest(pollMs);
    await this.untilActive(name);
  }

  async untilGone(name: string): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      try {
        await this.summary(name);
      } catch (error) {
        if (nameOf(error) === 'ResourceNotFoundException') return;
        throw error;
      }
      await this.rest(pollMs);
    }
    throw new Violation('the stream does not go away');
  }

  async delete(name: string): Promise<void> {
    await this.patiently(() => this.kinesis.deleteStream({ StreamName: name }));
    await this.untilGone(name);
  }

  /** All shards: parents before their children, and those of one generation in the order of their hash keys. */
  async shards(name: string): Promise<readonly Shard[]> {
    const { Shards: shards = [] } = await this.patiently(() => this.kinesis.listShards({ StreamName: name }));
    return inOrder(shards);
  }

  async shard(name: string, index = 0): Promise<Shard> {
    return given((await this.shards(name))[index], `shard ${index}`);
  }

  /** Splits a shard in the middle, and waits. */
  async split(name: string, shard: Shard): Promise<void> {
    const { StartingHashKey: start = '', EndingHashKey: end = '' } = shard.HashKeyRange ?? {};
    const middle = (BigInt(start) + BigInt(end) + 1n) / 2n;
    await this.patiently(() =>
      this.kinesis.splitShard({ StreamName: name, ShardToSplit: idOf(shard), NewStartingHashKey: String(middle) }),
    );
    await this.#settle(name);
  }

  async merge(name: string, shard: Shard, adjacent: Shard): Promise<void> {
    await this.patiently(() =>
      this.kinesis.mergeShards({ StreamName: name, ShardToMerge: idOf(shard), AdjacentShardToMerge: idOf(adjacent) }),
    );
    await this.#settle(name);
  }

  /** Writes one record, to a given shard if there is one. */
  async put(name: string, data: string, shard?: Shard): Promise<PutRecordCommandOutput> {
    return this.kinesis.putRecord({
      StreamName: name,
      Data: Buffer.from(data),
      PartitionKey: data === '' ? 'empty' : data.slice(0, 32),
      ...(shard !== undefined && { ExplicitHashKey: shard.HashKeyRange?.StartingHashKey }),
    });
  }

  /** A shard iterator. */
  async iterator(
    name: string,
    shard: Shard,
    position: Partial<Parameters<Kinesis['getShardIterator']>[0]> = {},
  ): Promise<string> {
    const { ShardIterator: iterator } = await this.patiently(() =>
      this.kinesis.getShardIterator({
        StreamName: name,
        ShardId: idOf(shard),
        ShardIteratorType: 'TRIM_HORIZON',
        ...position,
      }),
    );
    return given(iterator, 'ShardIterator');
  }

  /** Reads on until the end of the shard, or until nothing more comes. Waits between calls as the rates demand. */
  async read(iterator: string, limit?: number): Promise<Reading> {
    const records: KinesisRecord[] = [];
    let next = iterator;
    for (let emptyPages = 0; emptyPages < maxEmptyPages;) {
      const page = await this.getRecords(next, limit);
      const found = given(page.Records, 'Records');
      records.push(...found);
      const after = page.NextShardIterator ?? undefined;
      if (after === undefined) return { records, texts: texts(records), end: { children: page.ChildShards } };
      next = after;
      if (page.MillisBehindLatest === 0 && found.length === 0) break;
      emptyPages = found.length > 0 ? 0 : emptyPages + 1;
      await this.rest(210);
    }
    return { records, texts: texts(records), next };
  }

  /** The first page that has records. */
  async firstRecords(iterator: string, limit?: number): Promise<GetRecordsCommandOutput> {
    let next = iterator;
    for (let emptyPages = 0; emptyPages < maxEmptyPages; emptyPages++) {
      const page = await this.getRecords(next, limit);
      if (given(page.Records, 'Records').length > 0) return page;
      next = given(page.NextShardIterator, 'NextShardIterator');
      await this.rest(210);
    }
    throw new Violation(`the first ${maxEmptyPages} pages have no records`);
  }

  async getRecords(iterator: string, limit?: number): Promise<GetRecordsCommandOutput> {
    return this.patiently(() => this.kinesis.getRecords({ ShardIterator: iterator, Limit: limit }));
  }

  /** What can be read from a position. */
  async readFrom(...position: Parameters<CaseContext['iterator']>): Promise<Reading> {
    return this.read(await this.iterator(...position));
  }

  /** Tries again for as long as a rate is exceeded, at times at which AWS says that it won't be any longer. */
  async patiently<T>(call: () => Promise<T>, maxRetries = manyRetries): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      this.signal.throwIfAborted();
      try {
        return await call();
      } catch (error) {
        const isRate = error instanceof Error && ratesExceeded.has(error.name);
        if (!isRate || attempt === maxRetries) throw error;
        await this.rest(1000);
      }
    }
  }

  /** Lets time pass for the service. */
  async rest(ms: number): Promise<void> {
    this.signal.throwIfAborted();
    await this.session.rest(ms, this.signal);
  }

  /** For cases that need `clock`. */
  advance(ms: number): void {
    if (this.session.advance === undefined) throw new Error('the target cannot advance time');
    this.session.advance(ms);
  }

  async close(): Promise<void> {
    await this.session.close([...this.#made]);
  }
}

const manyRetries = 30;

const ratesExceeded = new Set([
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
]);

export interface Reading {
  readonly records: readonly KinesisRecord[];
  /** The data of the records as text. */
  readonly texts: readonly string[];
  /** Where to go on, while there is more to come. */
  readonly next?: string | undefined;
  /** Of a closed shard that was read to its end. */
  readonly end?: { readonly children: readonly ChildShard[] | undefined };
}

export function idOf(shard: Shard): string {
  return given(shard.ShardId, 'ShardId');
}

/** Parents before their children, and those of one generation in the order of their hash keys. */
export function inOrder(shards: readonly Shard[]): readonly Shard[] {
  const byId = new Map(shards.map((shard) => [idOf(shard), shard]));
  const generationOf = (shard: Shard): number => {
    const parent = byId.get(shard.ParentShardId ?? '');
    return parent === undefined ? 0 : generationOf(parent) + 1;
  };
  const startOf = (shard: Shard): bigint => rangeOf(shard)[0];
  return [...shards].sort((a, b) => generationOf(a) - generationOf(b) || (startOf(a) < startOf(b) ? -1 : 1));
}

export function texts(records: readonly KinesisRecord[]): readonly string[] {
  return records.map(({ Data: data }) => Buffer.from(given(data, 'Data')).toString('utf8'));
}

export function isOpen(shard: Shard): boolean {
  return (shard.SequenceNumberRange?.EndingSequenceNumber ?? undefined) === undefined;
}

/** The hash keys of a shard, both included. */
export function rangeOf(shard: Pick<Shard, 'HashKeyRange'>): readonly [bigint, bigint] {
  const { StartingHashKey: start, EndingHashKey: end } = given(shard.HashKeyRange, 'HashKeyRange');
  return [BigInt(given(start, 'StartingHashKey')), BigInt(given(end, 'EndingHashKey'))];
}

export const greatestHashKey = 2n ** 128n - 1n;
