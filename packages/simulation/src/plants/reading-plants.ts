import { lines, plantsIn, type Plant } from './plant';

/* From a batch to the checkpoint: what is delivered, what counts as acknowledged, and what comes at the end. */

const consuming: readonly Plant[] = plantsIn('worker/src/shard-consumer.ts', [
  {
    name: 'acknowledge-what-failed',
    what: 'At a stop the last batch counts as delivered although its call failed.',
    find: lines(
      "        await this.#callOnce('shutdownRequested', () =>",
      '          this.#processor?.shutdownRequested?.({',
      '            checkpointer: this.#checkpointer.handleUpTo(this.#delivery.resolved),',
    ),
    replace: lines(
      "        await this.#callOnce('shutdownRequested', () =>",
      '          this.#processor?.shutdownRequested?.({',
      '            checkpointer: this.#checkpointer.handle(),',
    ),
  },
  {
    name: 'deliver-after-the-loss',
    what: 'Losing the lease does not end reading.',
    find: 'this.#reading = StopSignal.any([this.#draining, this.#gone]);',
    replace: 'this.#reading = StopSignal.any([this.#draining, this.#abandoned]);',
  },
  {
    name: 'children-after-shard-end',
    what: "The children's rows are created after shard end is stored.",
    find: lines(
      "      (await this.#untilStored('createChildren', (signal) => createChildren(childShards, signal))) &&",
      "      (await this.#untilStored('storeShardEnd', () => this.#checkpointer.finish()));",
    ),
    replace: lines(
      "      (await this.#untilStored('storeShardEnd', () => this.#checkpointer.finish())) &&",
      "      (await this.#untilStored('createChildren', (signal) => createChildren(childShards, signal)));",
    ),
  },
  {
    name: 'children-never',
    what: "Nobody but the audit creates the children's rows.",
    find: "      (await this.#untilStored('createChildren', (signal) => createChildren(childShards, signal))) &&\n",
    replace: '',
  },
  {
    name: 'shard-end-unasked',
    what: 'Shard end is stored without asking the processor whether it is done.',
    find: "if (!(await this.#untilDone('shardEnded', () => this.#callShardEnded()))) return false;",
    replace: '',
  },
  {
    name: 'shard-end-unacknowledged',
    what: 'Shard end is stored although a processor without `shardEnded` has not acknowledged its last record.',
    find: '} else if (this.#checkpointer.hasUnacknowledged) {',
    replace: '} else if (this.#checkpointer.hasUnacknowledged && this.hasGivenUp) {',
  },
  {
    name: 'shard-end-cut-short',
    what: 'A stop or hand-over that comes after `shardEnded` has resolved does not wait until shard end is stored.',
    find: 'this.#storing = StopSignal.any([this.#givenUp, this.#gone]);',
    replace: 'this.#storing = StopSignal.any([this.#draining, this.#gone]);',
  },
  {
    name: 'no-shutdown-request',
    what: 'A processor is not told before its lease is given up.',
    find: 'if (wasInitialized && !this.#hasSaidLast) {',
    replace: 'if (wasInitialized && this.#hasSaidLast) {',
  },
  {
    name: 'no-last-checkpoint',
    what: 'In automatic mode what was acknowledged is not stored before the lease is given up.',
    find: "await this.#once('checkpoint', () => flushAtLast(() => this.#flush(), this.#stepContext(), this.#storing));",
    replace: '',
  },
  {
    name: 'last-checkpoint-tried-once',
    what: 'The checkpoint before the lease is given up is not repeated when it fails.',
    find: "await this.#once('checkpoint', () => flushAtLast(() => this.#flush(), this.#stepContext(), this.#storing));",
    replace: "await this.#once('checkpoint', () => this.#flush());",
  },
  {
    name: 'release-before-the-last-word',
    what: 'The lease is given up before the processor has been told, and its position stored.',
    find: "      this.#move('shutdown-requested');\n      if (wasInitialized",
    replace: "      this.#move('shutdown-requested');\n      await this.#release();\n      if (wasInitialized",
  },
  {
    name: 'step-without-the-lease',
    what: "The first and the last calls of the user's code do not ask whether the lease is certain.",
    find: 'signal: this.#reading, mayBegin: () => lease.mayDeliver(), ...',
    replace: 'signal: this.#reading, mayBegin: () => true, ...',
  },
]);

const delivering: readonly Plant[] = [
  ...plantsIn('worker/src/batch-delivery.ts', [
    {
      name: 'checkpoint-before-delivery',
      what: "In automatic mode records are acknowledged before the user's code has had them.",
      find: '    checkpointer.deliver(last);\n',
      replace:
        "    checkpointer.deliver(last);\n    if (settings.checkpointing === 'automatic') checkpointer.acknowledge(last);\n",
    },
    {
      name: 'checkpoint-of-the-whole-batch',
      what: 'The checkpointer of a piece of a batch stands for the whole batch.',
      find: 'const checkpointing = checkpointer.handleUpTo(last);',
      replace: 'const checkpointing = checkpointer.handle();',
    },
  ]),
  ...plantsIn('worker/src/shard-delivery.ts', [
    {
      name: 'position-before-the-batch',
      what: 'The position is moved before the batch has been dealt with.',
      find: '    const outcome = await this.#careful.take(records, this.#position, this.#delivery, done);',
      replace:
        '    const before = this.#position;\n    this.#position = checkpointAt(last);\n    const outcome = await this.#careful.take(records, before, this.#delivery, done);',
    },
    {
      name: 'position-of-the-acknowledged',
      what: 'Reading starts again from what was handed over before, and not behind the last batch.',
      find: "    this.#position = checkpointAt(last);\n    return 'taken';",
      replace: "    return 'taken';",
    },
  ]),
  ...plantsIn('worker/src/let-record-go.ts', [
    {
      name: 'let-go-before-the-sink',
      what: 'A record counts as let go before its dead letter is confirmed.',
      find: "  await watchdog.userCall('deadLetter',",
      replace: "  done();\n  await watchdog.userCall('deadLetter',",
    },
  ]),
];

const startingAndStopping: readonly Plant[] = [
  ...plantsIn('worker/src/worker.ts', [
    {
      name: 'release-unsettled',
      what: 'A stop that has run out of time releases the leases whose processors have not settled.',
      find: lines(
        '    for (const { consumer } of this.#consumers.values()) consumer.abandon();',
        '    for (const held of this.#coordinator?.heldLeases() ?? []) held.abandon();',
      ),
      replace: '    for (const held of this.#coordinator?.heldLeases() ?? []) void held.release();',
    },
    {
      name: 'two-consumers-of-a-shard',
      what: 'A lease is taken again while code of its earlier life is still busy in this worker.',
      find: 'this.#consumers.has(leaseKey) || !this.#cooldown.isOver(leaseKey)',
      replace: '!this.#cooldown.isOver(leaseKey)',
    },
    {
      name: 'stop-without-draining',
      what: 'A stop does not let the calls under way come to an end.',
      find: '    for (const { consumer } of all) consumer.drain();\n',
      replace: '    for (const { consumer } of all) consumer.abandon();\n',
    },
  ]),
  ...plantsIn('worker/src/startup.ts', [
    {
      name: 'starts-in-vain',
      what: 'A worker sees another stream where there is none, when it starts, at some moments.',
      find: 'if (foreign !== undefined) throw foreign;',
      replace:
        'if (foreign !== undefined || (leases.length > 0 && clock.now() % 3_000 > 1_000)) ' +
        "throw foreign ?? new Error('false alarm');",
    },
  ]),
];

const dispatching: readonly Plant[] = [
  ...plantsIn('record-dispatcher/src/record-dispatcher.ts', [
    {
      name: 'no-deadline-check',
      what: 'Whether the lease is ours for certain is not asked before a batch is handed over.',
      find: 'while (!signal.aborted && !this.#parts.target.mayDeliver()) await',
      replace: 'while (!signal.aborted && signal.aborted) await',
    },
    {
      name: 'deadline-check-before-a-turn',
      what: 'The check of the lease and the call do not stand in one turn.',
      find: "    if (signal.aborted) return { kind: 'aborted' };\n",
      replace: "    if (signal.aborted) return { kind: 'aborted' };\n    await this.#sleep(100, signal);\n",
    },
    {
      name: 'skip-the-failed',
      what: 'A batch that failed is skipped.',
      find: 'const others = rest === undefined ?',
      replace: 'const others = rest === undefined || rest.failures === 1 ?',
    },
    {
      name: 'retry-the-acknowledged',
      what: 'A batch that failed is handed over again from its beginning.',
      find: 'return index < 0 ? records.length : index;',
      replace: 'return index < 0 ? records.length : 0;',
    },
    {
      name: 'retry-after-the-end',
      what: 'A batch that failed is handed over again after reading was to end.',
      find: "if (!(await this.#sleep(retryInMs, signal))) return 'aborted';",
      replace: 'await this.#sleep(retryInMs, new AbortController().signal);',
    },
    {
      name: 'split-loses-a-record',
      what: 'The second half of a batch that is split begins one record too late.',
      find: 'const second = behind(piece, at);',
      replace: 'const second = behind(piece, at + 1);',
    },
    {
      name: 'split-without-the-second-half',
      what: 'Of a batch that is split only the first half is handed over again.',
      find: 'pieces.push(...others.toReversed());',
      replace: 'pieces.push(...others.slice(0, 1));',
    },
    {
      name: 'second-half-first',
      what: 'The second half of a batch that is split is handed over before the first.',
      find: 'pieces.push(...others.toReversed());',
      replace: 'pieces.push(...others);',
    },
    {
      name: 'named-is-done',
      what: 'The record that the processor names as the failed one counts as done.',
      find: 'const lastDone = records[namedAt - 1];',
      replace: 'const lastDone = records[namedAt];',
    },
    {
      name: 'named-is-passed',
      what: 'Behind a record that the processor names as the failed one it goes on.',
      find: 'const done = Math.max(firstOpen(piece, target.acknowledged()), namedAt);',
      replace:
        'const done = Math.max(firstOpen(piece, target.acknowledged()), Math.min(namedAt + 1, records.length - 1));',
    },
    {
      name: 'unconfirmed-is-let-go',
      what: 'A record is let go although the sink for dead letters has failed.',
      find: "if (attempt.kind !== 'failed') return attempt.kind === 'resolved';",
      replace: "if (attempt.kind !== 'aborted' || signal.aborted) return attempt.kind !== 'aborted';",
    },
    {
      name: 'let-go-without-the-lease',
      what: 'Whether the lease is ours for certain is not asked before a record is let go.',
      find: 'const attempt = await this.#attempt(() => target.letGo(record, before, cause), signal);',
      replace:
        "const attempt: Attempt = await target.letGo(record, before, cause).then(() => ({ kind: 'resolved' }), (error: unknown) => ({ kind: 'failed', error }));",
    },
    {
      name: 'batch-attempts-count',
      what: 'Failures of a batch count as attempts of its first record.',
      find: 'attempts: attempts + (isByItself ? 1 : 0)',
      replace: 'attempts: attempts + 1',
    },
  ]),
  ...plantsIn('record-dispatcher/src/failure-policy.ts', [
    {
      name: 'let-go-at-the-first-failure',
      what: 'A record is let go when it has failed once.',
      find: 'if (attempts >= maxAttempts)',
      replace: 'if (attempts >= 1)',
    },
    {
      name: 'block-lets-go',
      what: 'Records are let go although the policy is to block.',
      find: "if (policy === 'block' || named === 'elsewhere') return { kind: 'retry' };",
      replace:
        "if (policy === 'block' && attempts > 2) return { kind: 'let-go', reason: 'attempts' };\n  if (policy === 'block' || named === 'elsewhere') return { kind: 'retry' };",
    },
    {
      name: 'bisect-lets-go',
      what: 'Records are let go although the policy is to bisect.',
      find: 'if (letsRecordsGo(policy) && attempts > 0) {',
      replace: 'if (attempts > 0) {',
    },
  ]),
  ...plantsIn('checkpointer/src/shard-checkpointer.ts', [
    {
      name: 'store-what-was-delivered',
      what: 'A checkpoint stores what was handed over instead of what was acknowledged.',
      find: 'const goal = this.#acknowledged;',
      replace: 'const goal = this.#delivered === undefined ? target : checkpointAt(this.#delivered);',
    },
    {
      name: 'acknowledge-backwards',
      what: 'To acknowledge an earlier record moves back what was acknowledged.',
      find: 'if (compareCheckpoints(this.#acknowledged, checkpoint) < 0) this.#acknowledged = checkpoint;',
      replace: 'this.#acknowledged = checkpoint;',
    },
    {
      name: 'acknowledge-the-undelivered',
      what: 'A record may be acknowledged that was not handed to this processor.',
      find: '    this.#assertDelivered(position);\n    this.#advance(checkpointAt(position));\n',
      replace: '    this.#advance(checkpointAt(position));\n',
    },
    {
      name: 'let-go-acknowledges-all-before',
      what: 'A record that is let go acknowledges those before it, too.',
      find: 'before: follows ? last.before : before,',
      replace: 'before: this.#acknowledged,',
    },
    {
      name: 'let-go-holds-up',
      what: 'What is acknowledged never passes a record that was let go before those before it were acknowledged.',
      find: 'if (compareCheckpoints(this.#acknowledged, next.before) < 0) return;',
      replace: 'if (compareCheckpoints(this.#acknowledged, next.position) < 0) return;',
    },
    {
      name: 'stored-before-it-is',
      what: 'A checkpoint counts as stored before it was written.',
      find: '    const outcome = await this.#store.checkpoint(goal, target);',
      replace: '    this.noteStored(goal);\n    const outcome = await this.#store.checkpoint(goal, target);',
    },
    {
      name: 'stored-and-yet-failed',
      what: 'A checkpoint that was stored is said to have failed.',
      find: "case 'stored':\n        this.noteStored(goal);\n        return;",
      replace:
        "case 'stored':\n        this.noteStored(goal);\n        throw new CheckpointNotStoredError(this.#shardId);",
    },
    {
      name: 'lost-is-stored',
      what: 'A checkpoint of a lease that was lost resolves.',
      find: 'throw new LeaseLostError(this.#shardId, outcome.stored, { cause: outcome.error, blockedMs: this.#blockedMs() });',
      replace: 'return;',
    },
  ]),
  ...plantsIn('worker/src/new-records.ts', [
    {
      name: 'records-up-to-the-position',
      what: 'The record at the position, which was dealt with, is handed over again.',
      find: 'const behind = first <= 0 ? all : all.slice(first);\n  return { records: first < 0 ? [] : behind,',
      replace: 'return { records: all,',
    },
  ]),
];

const fetching: readonly Plant[] = [
  ...plantsIn('record-fetcher/src/read-position.ts', [
    {
      name: 'known-record-again',
      what: 'A new iterator gives the last record that was handed over a second time.',
      find: 'const added = isKnown ? records.slice(1) : records;',
      replace: 'const added = records;',
    },
    {
      name: 'iterator-at-the-start',
      what: 'A new iterator begins where reading began.',
      find: 'return this.#lastHandedOver === undefined\n',
      replace: 'return this.#lastHandedOver !== this.#expected || this.#lastHandedOver === undefined\n',
    },
  ]),
  ...plantsIn('record-fetcher/src/sdk-kinesis-reader.ts', [
    {
      name: 'read-from-the-tip',
      what: 'A new iterator begins at the tip of the shard.',
      find: "{ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: position.sequenceNumber };",
      replace: "{ ShardIteratorType: 'LATEST' };",
    },
    {
      name: 'read-after-the-record',
      what: 'A new iterator begins behind the record that it is to begin at.',
      find: "{ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: position.sequenceNumber };",
      replace: "{ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: position.sequenceNumber };",
    },
  ]),
  ...plantsIn('record-fetcher/src/polling-record-source.ts', [
    {
      name: 'shard-end-early',
      what: 'A shard counts as ended when the last of its records that are there were read.',
      find: '    this.#hasReadAll = nextIterator === undefined;\n',
      replace:
        '    this.#hasReadAll = nextIterator === undefined || (records.length > 0 && millisBehindLatest === 0);\n',
    },
    {
      name: 'iterator-of-the-answer-before',
      what: 'The iterator is not replaced by that of the answer.',
      find: '    this.#iterator = nextIterator;\n',
      replace: '    if (records.length === 0) this.#iterator = nextIterator;\n',
    },
  ]),
];

export const readingPlants: readonly Plant[] = [
  ...consuming,
  ...delivering,
  ...startingAndStopping,
  ...dispatching,
  ...fetching,
];
