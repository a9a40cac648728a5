export interface PageContent {
  readonly shardId: string;
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
const recordPrefix = '{"ApproximateArrivalTimestamp"';
/** Of the list of records, and of the answer. */
const endOfAnswer = ']}';
/** In seconds. */
const arrivedAt = 1_795_000_000.123;
/** In JSON that is a number all the same. */
const asKinesisWritesIt = '1.795000000123E9';

/**
 * Answers of GetRecords for one shard that goes on for ever, built beforehand: for each call only the digits that count are
 * written, so that the server costs little. The records are numbered from 0; an iterator has the number of the next one.
 */
export class PrebuiltPages {
  readonly #content: PageContent;
  readonly #template: Buffer;
  readonly #recordsAt: readonly number[];
  readonly #sequencesAt: readonly number[];
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
    // Behind, so that a reader never takes a shard for idle that has records.
    const MillisBehindLatest = recordsPerPage === 0 ? 0 : 60_000;
    const template = JSON.stringify({ MillisBehindLatest, NextShardIterator, Records });
    this.#template = Buffer.from(template.replaceAll(String(arrivedAt), asKinesisWritesIt));
    this.#offsetAt = this.#template.indexOf(iteratorPrefix) + iteratorPrefix.length;
    this.#recordsAt = placesOf(this.#template, recordPrefix);
    this.#sequencesAt = placesOf(this.#template, sequencePrefix).map((at) => at + sequencePrefix.length);
  }

  get recordsPerPage(): number {
    return this.#content.recordsPerPage;
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

  /** The body of the answer to a call with this iterator, of a whole page, or of fewer records if no more are asked for. */
  answer(iterator: string, limit = Infinity): Buffer {
    const first = Number(iterator.slice(-offsetDigits));
    const count = Math.min(limit, this.#content.recordsPerPage);
    const answer = this.#upTo(count);
    answer.write(String(first + count).padStart(offsetDigits, '0'), this.#offsetAt, 'latin1');
    for (const [index, at] of this.#sequencesAt.slice(0, count).entries()) {
      answer.write(String(first + index).padStart(countedDigits, '0'), at, 'latin1');
    }
    return answer;
  }

  #upTo(count: number): Buffer {
    const nextAt = this.#recordsAt[count];
    if (nextAt === undefined) return Buffer.from(this.#template);
    // Without the comma.
    return Buffer.concat([this.#template.subarray(0, nextAt - 1), Buffer.from(endOfAnswer)]);
  }
}

function placesOf(buffer: Buffer, text: string): readonly number[] {
  const found: number[] = [];
  for (let at = buffer.indexOf(text); at >= 0; at = buffer.indexOf(text, at + text.length)) found.push(at);
  return found;
}
