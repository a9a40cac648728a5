import { plantsIn, type Plant } from './plant';

/* Records one by one: whose turn it is, what counts as done, and what a shard that is given up leaves behind. */

export const singleRecordPlants: readonly Plant[] = [
  ...plantsIn('worker/src/record-delivery.ts', [
    {
      name: 'watermark-ignored',
      what: 'A record that is done with is acknowledged with all before it, done with or not.',
      find: 'settled: ({ number }) => this.#settle(number),',
      replace:
        'settled: ({ number, record }) => { this.#watermark.settle(number); parts.checkpointer.deliver(record); parts.checkpointer.acknowledge(record); },',
    },
    {
      name: 'taken-is-done',
      what: 'A record counts as done with when it is taken.',
      find: '    this.#dispatcher.add({ record, number: this.#watermark.take({ sequenceNumber, subSequenceNumber }) }, lost);\n',
      replace:
        '      const number = this.#watermark.take({ sequenceNumber, subSequenceNumber });\n      this.#settle(number);\n      this.#dispatcher.add({ record, number }, lost);\n',
    },
    {
      name: 'keys-do-not-matter',
      what: 'Records of one key are handed over side by side.',
      find: '({ partitionKey }) => partitionKey',
      replace: '({ sequenceNumber, subSequenceNumber }) => `${sequenceNumber}/${String(subSequenceNumber)}`',
    },
    {
      name: 'read-ahead-without-end',
      what: 'However much is open, reading goes on.',
      find: 'if (!mayGoOn()) await',
      replace: 'if (!mayGoOn() && maxAhead < 0) await',
    },
  ]),
  ...plantsIn('worker/src/shard-consumer.ts', [
    {
      name: 'end-before-all-is-done',
      what: 'The end of a shard comes while records of it are open.',
      find: '    const end = await this.#readToEnd();\n    await this.#delivery.settled();\n',
      replace: '    const end = await this.#readToEnd();\n',
    },
    {
      name: 'stored-at-the-end-only',
      what: 'What single records were acknowledged is stored when the lease is given up, and not before.',
      find: '!takesSingleRecords(this.#processor)',
      replace: 'this.#processor !== undefined',
    },
  ]),
  ...plantsIn('checkpointer/src/low-watermark.ts', [
    {
      name: 'watermark-jumps',
      what: 'The low watermark passes one record that is open.',
      find: 'while (next?.isSettled === true) {',
      replace:
        'while (next !== undefined && (next.isSettled || this.#entries[this.#open - this.#offset + 1]?.isSettled === true)) {',
    },
  ]),
  ...plantsIn('record-dispatcher/src/keyed-dispatcher.ts', [
    {
      name: 'single-without-the-lease',
      what: 'Whether the lease is ours for certain is not asked before a single record is handed over.',
      find: 'if (!target.mayDeliver()) {',
      replace: 'if (!target.mayDeliver() && maxInFlight < 0) {',
    },
    {
      name: 'key-goes-on-behind-a-failure',
      what: 'While a record waits to be tried again the next one of its key comes.',
      find: '    } else void this.#readyAfter(retryInMs, queue);\n  }\n\n  #sinkFailed',
      replace:
        '    } else {\n      const [first, second] = queue.records;\n      if (first !== undefined && second !== undefined) queue.records.splice(0, 2, second, first);\n      void this.#readyAfter(retryInMs, queue);\n    }\n  }\n\n  #sinkFailed',
    },
    {
      name: 'drain-leaves-gaps',
      what: 'A shard that is given up leaves open what lies before a record that was begun.',
      find: 'return Math.min(this.#begun, ...failed);',
      replace: 'return Math.min(-1, ...failed);',
    },
    {
      name: 'drain-behind-a-failure',
      what: 'A shard that is given up still begins what lies behind a record that has failed.',
      find: 'return Math.min(this.#begun, ...failed);',
      replace: 'return failed.length > 0 ? this.#begun : this.#begun;',
    },
    {
      name: 'drain-without-end',
      what: 'A shard that is to be given up goes on with whatever was taken.',
      find: 'return Math.min(this.#begun, ...failed);',
      replace: 'return Math.min(Infinity, ...failed);',
    },
    {
      name: 'drain-tries-again',
      what: 'A key that has failed is tried again while the shard is given up.',
      find: 'if (!(await this.#sleep(delayMs, this.#parts.draining))) return;',
      replace: 'if (!(await this.#sleep(delayMs, this.#parts.ended))) return;',
    },
    {
      name: 'single-told-to-stop-counts',
      what: 'A record is let go because code that was told to stop has failed.',
      find: "isOver ? { kind: 'retry' } : decideOnFailure(",
      replace: 'decideOnFailure(',
    },
    {
      name: 'single-sink-not-waited-for',
      what: 'A single record is done with when its dead letter is sent, confirmed or not.',
      find: '      else await target.letGo(first.record, queue.lost);',
      replace: '      else void target.letGo(first.record, queue.lost).catch(() => undefined);',
    },
    {
      name: 'attempts-of-the-key',
      what: 'Attempts of one record count for the next one of its key.',
      find: '    queue.attempts = 0;\n',
      replace: '',
    },
    {
      name: 'key-is-lost-for-ever',
      what: 'What comes behind a record that was let go, with its key, is let go as well, whatever the scope is.',
      find: 'if (quarantinesKeys && queue.lost',
      replace: 'if (queue.lost',
    },
    {
      name: 'quarantine-forgotten',
      what: 'A key that is let go comes back as soon as no record of it is open.',
      find: '    else this.#keys.delete(queue.key);',
      replace: '    else {\n      this.#keys.delete(queue.key);\n      this.#quarantined.delete(queue.key);\n    }',
    },
    {
      name: 'youngest-first',
      what: 'The key with the youngest record is next.',
      find: 'readonly #ready = new OldestFirst<KeyQueue>(({ records: [first] }) => first?.number ?? Infinity);',
      replace: 'readonly #ready = new OldestFirst<KeyQueue>(({ records: [first] }) => -(first?.number ?? Infinity));',
    },
  ]),
];
