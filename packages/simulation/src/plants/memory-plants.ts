import { lines, plantsIn, type Plant } from './plant';

/* The memory budget: what is reserved, and released again; and what is read ahead of what is dealt with. */

export const memoryPlants: readonly Plant[] = [
  ...plantsIn('record-fetcher/src/memory-budget.ts', [
    {
      name: 'budget-ignored',
      what: 'Memory is granted whether or not it is left.',
      find: 'return leftBytes >= least ? Math.min(most, leftBytes) : undefined;',
      replace: 'return leftBytes >= least ? Math.min(most, leftBytes) : most;',
    },
    {
      name: 'more-than-all-waits',
      what: 'Who asks for more than the whole budget waits for ever.',
      find: 'if (this.#usedBytes === 0) return',
      replace: 'if (this.#usedBytes === 0 && least <= this.bytes) return',
    },
    {
      name: 'who-left-still-waits',
      what: 'Who waits for memory no longer gets it all the same.',
      find: '        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);\n        reject',
      replace: '        reject',
    },
    {
      name: 'behind-who-left',
      what: 'Who has waited behind one that waits no longer is not looked at before something is released.',
      find: lines(
        '        reject(signal.reason);',
        '        // Others may have waited behind it only.',
        '        this.#grant();',
      ),
      replace: '        reject(signal.reason);',
    },
    {
      name: 'holders-first',
      what: 'Whoever comes first is served first, whatever it holds.',
      find: 'const rank = this.#rankOf(waiter.share);',
      replace: 'const rank: Rank = ranks.emptyHanded;',
    },
    {
      name: 'all-for-the-sated',
      what: 'A shard that holds its share takes all that is left.',
      find: '=== ranks.sated ? Math.ceil(this.bytes / 2) : 0',
      replace: '=== ranks.sated ? 0 : 0',
    },
  ]),
  ...plantsIn('record-fetcher/src/reply-cost.ts', [
    {
      name: 'waits-for-all-it-could-ask',
      what: 'A read waits until there is room for all that it could ask for.',
      find: 'return { least: Math.max(callBytes(expected(1)), wantedBytes), most:',
      replace: 'return { least: Math.max(callBytes(expected(limit)), wantedBytes), most:',
    },
  ]),
  ...plantsIn('record-fetcher/src/polling-record-source.ts', [
    {
      name: 'failed-call-keeps-its-memory',
      what: 'What was reserved for a call that has failed is not released.',
      find: '      } catch (error) {\n        this.#release();\n',
      replace: '      } catch (error) {\n',
    },
    {
      name: 'empty-answer-keeps-its-memory',
      what: 'What was reserved for a call that has found nothing is not released.',
      find: '        this.#release();\n        signal.throwIfAborted();\n      }',
      replace: '        signal.throwIfAborted();\n      }',
    },
    {
      name: 'iterator-ages-in-the-queue',
      what: 'Whether an iterator is still good is not asked after the wait for memory.',
      find: 'if (!this.#hasUsableIterator()) await this.#renewIterator(signal);\n    await this.#read(limit, signal);',
      replace: 'await this.#read(limit, signal);',
    },
    {
      name: 'peak-is-kept',
      what: 'Until it is dealt with an answer counts as what it cost at its peak.',
      find: '    this.#reserved?.resize(heldBytes({ bytes, records: records.length }));\n',
      replace: '',
    },
  ]),
  ...plantsIn('record-fetcher/src/long-reservation.ts', [
    {
      name: 'wait-for-memory-is-a-stall',
      what: 'To wait for memory shows no life.',
      find: '    waiting(LIFE_SIGN_MS);\n',
      replace: '    if (isTold) waiting(LIFE_SIGN_MS);\n',
    },
  ]),
  ...plantsIn('worker/src/batch-delivery.ts', [
    {
      name: 'batch-keeps-its-memory',
      what: 'The memory of a batch is never released.',
      find: 'return this.#take(records, before).finally(done);',
      replace: 'return this.#take(records, before).finally(() => (records.length === 0 ? done() : undefined));',
    },
  ]),
  ...plantsIn('worker/src/shard-delivery.ts', [
    {
      name: 'call-is-not-waited-for',
      what: 'A shard is given up while a call of the user’s code is under way that was given what was read before.',
      find: '    await this.#taking;\n',
      replace: '',
    },
  ]),
  ...plantsIn('worker/src/record-delivery.ts', [
    {
      name: 'single-records-keep-their-memory',
      what: 'The memory of single records is never released.',
      find: '      done?.();\n',
      replace: '',
    },
    {
      name: 'single-records-release-too-early',
      what: 'The memory of single records is released when they are taken.',
      find: '    this.#taken.push({ last: records.at(-1), done });\n',
      replace: '    done();\n',
    },
  ]),
  ...plantsIn('worker/src/shard-reading.ts', [
    {
      name: 'end-before-what-waits',
      what: 'The end of a shard comes before what was read ahead of it.',
      find: "const isAllTaken = (await ahead.settled()) === 'ready';",
      replace: 'const isAllTaken = true;',
    },
    {
      name: 'late-batch-keeps-its-memory',
      what: 'The memory of a batch is not released that comes from a source which was left behind.',
      find: "if (value?.kind === 'records') dropBatch(value);",
      replace: '',
    },
    {
      name: 'reopened-before-what-waits',
      what: 'After a fault what was read ahead is read again.',
      find: 'return last === undefined ? this.#parts.start()',
      replace: 'return last !== undefined || this.#handedOver >= 0 ? this.#parts.start()',
    },
  ]),
  ...plantsIn('worker/src/read-ahead.ts', [
    {
      name: 'goes-on-behind-a-fault',
      what: 'What was read ahead of a batch that could not be dealt with is handed over.',
      find: '      // It comes behind a batch that was not dealt with.\n      this.#drop();\n',
      replace: '',
    },
    {
      name: 'no-room-for-less',
      what: 'Reading goes on however much waits.',
      find: '.length <= this.#parts.pages',
      replace: '.length <= this.#parts.pages + 100',
    },
    {
      name: 'youngest-page-first',
      what: 'Of what was read ahead the last comes first.',
      find: '    this.#pages.push(page);\n',
      replace: '    this.#pages.splice(1, 0, page);\n',
    },
    {
      name: 'empty-pages-replace-others',
      what: 'An empty batch takes the place of the one before it, whatever that holds.',
      find: 'if (length > 1 && batch.records.length === 0 && this.#pages[length - 1]?.batch.records.length === 0)',
      replace: 'if (length > 1 && batch.records.length === 0)',
    },
  ]),
  ...plantsIn('worker/src/next-batch.ts', [
    {
      name: 'batch-without-bytes',
      what: 'A batch has as many bytes as there are.',
      find: '    if (bytes > maxBytes) break;\n',
      replace: '',
    },
  ]),
];
