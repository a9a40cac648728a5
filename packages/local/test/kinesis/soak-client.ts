import { seededRandom } from '@millrace/core/testing';
import { KinesisServiceError } from '../../src/kinesis/service-error';
import type { KinesisEngine } from '../../src/kinesis/engine';
import type { SoakModel } from './soak-model';

/** What a client has to expect when another one changes the stream too, and when it asks for too much. */
const expectedErrors = [
  'InvalidArgumentException',
  'LimitExceededException',
  'ProvisionedThroughputExceededException',
  'ResourceInUseException',
  'ResourceNotFoundException',
];

const stream = { StreamName: 'flights' };

/** Does one random thing at a time. The same seed does the same things. */
export class SoakClient {
  readonly #next: () => number;
  #put = 0;

  constructor(
    private readonly name: string,
    seed: number,
    private readonly engine: KinesisEngine,
    private readonly model: SoakModel,
  ) {
    const random = seededRandom(seed);
    this.#next = () => random.next();
  }

  act(): void {
    try {
      this.#act();
    } catch (error) {
      if (!(error instanceof KinesisServiceError) || !expectedErrors.includes(error.name)) throw error;
    }
  }

  #act(): void {
    const dice = this.#next();
    if (dice < 0.55) this.#putRecords();
    else if (dice < 0.8) this.#read();
    else if (dice < 0.85) this.engine.handle('SplitShard', this.#split());
    else if (dice < 0.9) this.#merge();
    else if (dice < 0.93) this.#scale();
    else if (dice < 0.95) this.#changeRetention();
    else if (dice < 0.97) this.#trim();
    else if (dice < 0.98) this.engine.expireIterators(this.#next() < 0.5 ? undefined : 'flights');
    else this.#makeAndDelete();
  }

  #putRecords(): void {
    const texts = Array.from({ length: 1 + this.#below(6) }, () => `${this.name}:${this.#put++}`);
    const records = texts.map((text) => ({
      PartitionKey: `key-${this.#below(50)}`,
      Data: Buffer.from(text.padEnd(1000 + this.#below(1000))).toString('base64'),
    }));
    this.engine.handle('PutRecords', { StreamName: 'steady', Records: records });
    const output = this.engine.handle('PutRecords', { ...stream, Records: records });
    for (const [index, result] of output.Records.entries()) {
      if (!('ErrorCode' in result)) this.model.accept(result.ShardId, texts[index] ?? '', result.SequenceNumber);
    }
  }

  /** Reads behind a record that was accepted at some time. */
  #read(): void {
    const record = this.model.pick(this.#next());
    if (record === undefined) return;
    const { ShardIterator } = this.engine.handle('GetShardIterator', {
      ...stream,
      ShardId: record.shardId,
      ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
      StartingSequenceNumber: record.sequenceNumber,
    });
    this.model.checkPage(record, this.engine.handle('GetRecords', { ShardIterator, Limit: 1 + this.#below(20) }));
  }

  #split(): { StreamName: string; ShardToSplit: string; NewStartingHashKey: string } {
    const { id, start, end } = this.#pick(this.model.openRanges());
    const part = BigInt(1 + this.#below(99));
    const NewStartingHashKey = (start + ((end - start) * part) / 100n).toString();
    return { ...stream, ShardToSplit: id, NewStartingHashKey };
  }

  #merge(): void {
    const open = this.model.openRanges();
    const index = this.#below(open.length);
    const [one, other] = [open[index], open[index + 1]];
    if (one === undefined || other === undefined) return;
    const [ShardToMerge, AdjacentShardToMerge] = this.#next() < 0.5 ? [one.id, other.id] : [other.id, one.id];
    this.engine.handle('MergeShards', { ...stream, ShardToMerge, AdjacentShardToMerge });
  }

  #scale(): void {
    const TargetShardCount = 1 + this.#below(12);
    if (this.#next() < 0.5) {
      this.engine.updateShardCount('flights', TargetShardCount);
      return;
    }
    this.engine.handle('UpdateShardCount', { ...stream, TargetShardCount, ScalingType: 'UNIFORM_SCALING' });
  }

  #changeRetention(): void {
    const direction = this.#next() < 0.5 ? 'Increase' : 'Decrease';
    const RetentionPeriodHours = 24 + this.#below(48);
    this.engine.handle(`${direction}StreamRetentionPeriod`, { ...stream, RetentionPeriodHours });
  }

  #trim(): void {
    if (this.#next() < 0.3) this.model.trim();
    else this.model.trim(this.#below(120));
  }

  #makeAndDelete(): void {
    const other = { StreamName: `${this.name}-${this.#put++}` };
    this.engine.addStream(other.StreamName, 2);
    this.engine.handle('AddTagsToStream', { ...other, Tags: { of: this.name } });
    this.engine.handle('DeleteStream', other);
  }

  #below(count: number): number {
    return Math.floor(this.#next() * count);
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[this.#below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}
