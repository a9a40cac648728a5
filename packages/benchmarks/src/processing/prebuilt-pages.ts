export interface PageContent {
  readonly shardId: string;
  /** The most: a reader may ask for less. */
  readonly recordsPerPage: number;
  /** Of each record. */
  readonly data: Uint8Array;
  /** The records take turns. */
  readonly partitionKeys: readonly string[];
}

/** Digits of a sequence number that count; those before them are the same for all records. */
const countedDigits = 16;
const sequencePrefix = '4965903382714902566085596925383615710959';
const offsetDigits = 16;
/** By seconds, as Kinesis writes it. */
const arrivedAt = 1_795_000_000.123;
const recordBegin = '{"ApproximateArrivalTimestamp"';
/** Behind the last record. */
const pageEnd = Buffer.from(']}');

/**
 * Answers of GetRecords for one shard that goes on for ever, built beforehand: for each call only the digits that count are
 * written, so that the server costs little. The records are numbered from 0; an iterator has the number of the next one.
 */
export class PrebuiltPages {
  readonly #content: PageContent;
  readonly #template: Buffer;
  readonly #sequencesAt: readonly number[];
  readonly #recordsEndAt: readonly number[];
  readonly #offsetAt: number;

  constructor(content: PageContent) {
    const { shardId, recordsPerPage, data, partitionKeys } = content;
    this.#content = content;
    const iteratorPrefix = `${shardId}:`;
    const base64 = Buffer.from(data).toString('base64');
    const Records = Array.from({ length: recordsPerPage }, (_, index) => ({
      ApproximateArrivalTimestamp: arrivedAt,
      Data: base64,
      PartitionKey: partitionKeys[index % partitionKeys.length],
      SequenceNumber: sequencePrefix + '0'.repeat(countedDigits),
    }));
    const NextShardIterator = iteratorPrefix + '0'.repeat(offsetDigits);
    // Behind, so that a reader never takes the shard for idle.
    this.#template = Buffer.from(JSON.stringify({ MillisBehindLatest: 60_000, NextShardIterator, Records }));
    this.#offsetAt = this.#template.indexOf(iteratorPrefix) + iteratorPrefix.length;
    this.#sequencesAt = placesOf(this.#template, sequencePrefix).map((at) => at + sequencePrefix.length);
    const recordsBeginAt = placesOf(this.#template, recordBegin);
    // Commas stand between them.
    this.#recordsEndAt = [...recordsBeginAt.slice(1).map((at) => at - 1), this.#template.length - pageEnd.length];
  }

  /** In front of the first record, or of the one with this sequence number. */
  iterator(sequenceNumber?: string): string {
    const offset = sequenceNumber === undefined ? 0 : Number(sequenceNumber.slice(sequencePrefix.length));
    return `${this.#content.shardId}:${String(offset).padStart(offsetDigits, '0')}`;
  }

  /** The shard that an iterator is of. */
  static shardOf(iterator: string): string {
    return iterator.slice(0, iterator.indexOf(':'));
  }

  /** The body of the answer to a call with this iterator, for so many records. */
  answer(iterator: string, limit: number): Buffer {
    const first = Number(iterator.slice(-offsetDigits));
    const count = Math.min(limit, this.#content.recordsPerPage);
    const answer = Buffer.concat([this.#template.subarray(0, this.#recordsEndAt[count - 1]), pageEnd]);
    answer.write(String(first + count).padStart(offsetDigits, '0'), this.#offsetAt, 'latin1');
    for (const [index, at] of this.#sequencesAt.slice(0, count).entries()) {
      answer.write(String(first + index).padStart(countedDigits, '0'), at, 'latin1');
    }
    return answer;
  }
}

function placesOf(buffer: Buffer, text: string): readonly number[] {
  const found: number[] = [];
  for (let at = buffer.indexOf(text); at >= 0; at = buffer.indexOf(text, at + text.length)) found.push(at);
  return found;
}
