import { lines, plantsIn, type Plant } from './plant';

/* What an owner must do so that nobody reads beside it: architecture §3, rules 2 to 8 and 11. */

const deadline: readonly Plant[] = plantsIn('lease-coordinator/src/held-lease.ts', [
  {
    name: 'deadline-from-the-end',
    what: 'The deadline runs from the end of the last write instead of its start.',
    find: 'this.#confirmedAt = startedAt;',
    replace: 'this.#confirmedAt = { monotonicMs: this.#deps.clock.now(), wallMs: this.#deps.clock.wallTime() };',
  },
  {
    name: 'deadline-from-the-last-attempt',
    what: 'The deadline runs from the last attempt, also if an earlier one got through.',
    find: "      if (verdict.kind === 'through') return this.#confirm(verdict.row, startedAt);\n",
    replace: lines(
      "      if (verdict.kind === 'through') {",
      '        const confirmed = this.#confirm(verdict.row, startedAt);',
      '        this.#confirmedAt = { monotonicMs: clock.now(), wallMs: clock.wallTime() };',
      '        return confirmed;',
      '      }',
      '',
    ),
  },
  {
    name: 'deadline-moved-by-a-look',
    what: 'To see that an earlier write had got through moves the deadline.',
    find: '      this.#counter = verdict.row.leaseCounter;\n',
    replace: '      this.#counter = verdict.row.leaseCounter;\n      this.#confirmedAt = startedAt;\n',
  },
  {
    name: 'deliver-past-the-deadline',
    what: 'Whether the deadline has passed is left to timers, which may be late.',
    find: 'if (!this.active || clock.now() >= this.#deadlineMs() - options.abortMarginMs) return false;',
    replace: 'if (!this.active) return false;',
  },
  {
    name: 'deliver-until-the-deadline',
    what: 'Batches are begun within the margin before the deadline.',
    find: 'clock.now() >= this.#deadlineMs() - options.abortMarginMs) return false;',
    replace: 'clock.now() >= this.#deadlineMs()) return false;',
  },
  {
    name: 'abort-at-the-deadline',
    what: "The user's code is told to stop when the lease is lost, and not a margin before.",
    find: 'Math.min(deadlineMs - options.abortMarginMs, this.#handoverDueAtMs)',
    replace: 'Math.min(deadlineMs, this.#handoverDueAtMs)',
  },
  {
    name: 'no-drift-check',
    what: 'A machine that was suspended delivers at once, although only the wall clock shows it.',
    find: 'if (Math.abs(driftMs) <= options.driftMarginMs) return true;',
    replace: 'if (Math.abs(driftMs) >= 0) return true;',
  },
  {
    name: 'winding-down-extends',
    what: 'A write moves the deadline of a lease that is wound down.',
    find: 'if (!this.#expiring.aborted) {\n      this.#confirmedAt',
    replace: '{\n      this.#confirmedAt',
  },
  {
    name: 'winding-down-goes-on',
    what: 'A lease that is wound down is used and renewed as before.',
    find: 'return !this.closed && !this.#closing && !this.#expiring.aborted;',
    replace: 'return !this.closed && !this.#closing;',
  },
  {
    name: 'writes-past-the-deadline',
    what: 'Writes are sent past the deadline, and after the end.',
    find: 'sendUntilMs: () => (this.closed ? -Infinity : this.#deadlineMs()),',
    replace: 'sendUntilMs: () => Infinity,',
  },
]);

const attempts: readonly Plant[] = [
  ...plantsIn('lease-coordinator/src/held-lease.ts', [
    {
      name: 'writes-at-once',
      what: 'Writes to one lease do not wait for each other.',
      find: 'new CallLimit(1)',
      replace: 'new CallLimit(100)',
    },
    {
      name: 'doubt-forgotten',
      what: 'That an earlier attempt of a write was not answered is forgotten.',
      find: 'if (outcome.ambiguous) this.#unanswered.add(writeId, carried);',
      replace: 'if (outcome.ambiguous) this.#unanswered.add(writeId, undefined);',
    },
  ]),
  ...plantsIn('lease-coordinator/src/write-attempts.ts', [
    {
      name: 'attempts-without-a-limit',
      what: 'An attempt of a write may take as long as the lease lasts.',
      find: 'const deadlineMs = Math.min(options.callTimeoutMs, leftMs);',
      replace: 'const deadlineMs = leftMs;',
    },
  ]),
];

const refusals: readonly Plant[] = plantsIn('lease-coordinator/src/refused-write.ts', [
  {
    name: 'refused-any-higher-counter',
    what: 'Any row of mine with a higher counter is taken as a proof that the write got through.',
    find: "  if (bearsThisWrite) return { kind: 'through', row };",
    replace: "  if (bearsThisWrite || row.leaseCounter > write.counter) return { kind: 'through', row };",
  },
  {
    name: 'refused-is-lost',
    what: 'The row is not looked at after a refusal: the lease counts as lost.',
    find: 'const bearsThisWrite = row.writeId === write.writeId;',
    replace: "const bearsThisWrite = false;\n  if (row.leaseCounter !== write.counter) return { kind: 'lost', row };",
  },
  {
    name: 'refused-is-through',
    what: 'The row is not looked at after a refusal: the write counts as applied.',
    find: 'const bearsThisWrite = row.writeId === write.writeId;',
    replace: 'const bearsThisWrite = true;',
  },
  {
    name: 'refused-of-another',
    what: 'Whose the row is by now is not asked: the counter is enough.',
    find: "  if (effectiveOwner(row) !== write.me) return { kind: 'lost', row };\n",
    replace: '',
  },
  {
    name: 'refused-while-asked',
    what: 'The owner is compared instead of the effective one: a request looks like a loss.',
    find: 'if (effectiveOwner(row) !== write.me)',
    replace: 'if (row.leaseOwner !== write.me)',
  },
  {
    name: 'refused-release-is-lost',
    what: 'A release whose reply was lost counts as a loss.',
    find: "  if (bearsThisWrite && write.givesBack) return { kind: 'through', row };\n",
    replace: '',
  },
  {
    name: 'refused-by-an-earlier-write',
    what: 'A refusal because of an earlier write of mine that nobody answered counts as a loss.',
    find: 'row.writeId !== undefined && write.unanswered.has(row.writeId);',
    replace: 'false;',
  },
  {
    name: 'stored-in-doubt-is-no',
    what: 'A checkpoint that may have been stored before the lease was lost is said not to be.',
    find: "return inDoubt && order > 0 ? 'unknown' : 'no';",
    replace: "return 'no';",
  },
  {
    name: 'stored-is-no',
    what: 'A checkpoint that the row shows is said not to be stored, because the lease is lost.',
    find: "if (order === 0 || compareCheckpoints(row.checkpoint, checkpoint) === 0) return 'yes';",
    replace: "if (order === 0) return 'no';",
  },
  {
    name: 'stored-beyond-is-yes',
    what: "Another holder's checkpoint beyond mine counts as mine.",
    find: "if (order === 0 || compareCheckpoints(row.checkpoint, checkpoint) === 0) return 'yes';",
    replace: "return 'yes';",
  },
]);

const handingOver: readonly Plant[] = plantsIn('lease-coordinator/src/held-lease.ts', [
  {
    name: 'deliver-after-release',
    what: 'Batches are begun after a release was sent.',
    find: 'return !this.closed && !this.#closing && !this.#expiring.aborted;',
    replace: 'return !this.closed && !this.#expiring.aborted;',
  },
  {
    name: 'checkpoint-behind-a-renewal',
    what: 'A checkpoint is written although a renewal that went before it has carried more.',
    find: "      if (this.#isStored(checkpoint)) return { kind: 'stored' };\n",
    replace: '',
  },
  {
    name: 'renewal-carries-too-much',
    what: 'A renewal that failed says that what it carried is stored.',
    find: "if (outcome.kind === 'applied') this.#unstored?.stored(checkpoint);",
    replace: 'this.#unstored?.stored(checkpoint);',
  },
  {
    name: 'complete-for-the-dead',
    what: 'A hand-over is completed although its receiver is known to be gone.',
    find: 'if (this.#asker !== undefined && isGone(this.#asker) && !(await this.#cancel(this.#asker))) return;',
    replace: '',
  },
  {
    name: 'dead-receiver-drains',
    what: 'A request of a worker that is gone makes the owner drain.',
    find: lines('    if (isGone(asker)) {', '      this.#cancelSoon();', '      return;', '    }', ''),
    replace: '',
  },
  {
    name: 'cancel-never',
    what: 'A request of a worker that is gone is let stand.',
    find: 'if (this.#isCancelling || !this.active) return;',
    replace: 'if (this.#isCancelling || !this.closed) return;',
  },
  {
    name: 'release-though-asked',
    what: 'Who has asked for the lease does not get it when it is given up.',
    find: 'this.#asker === undefined ? store.release(held, writeId, successor) : store.completeHandover(held, writeId);',
    replace: 'store.release(held, writeId, successor);',
  },
  {
    name: 'notice-an-earlier-life',
    what: 'A row from before the lease was acquired speaks for it.',
    find: 'if (this.closed || row.leaseCounter < this.fencingToken) return;',
    replace: 'if (this.closed) return;',
  },
  {
    name: 'asker-of-the-past',
    what: 'An old row says who has asked for the lease.',
    find: 'if (row.leaseCounter >= this.#counter) this.#asker = asker;',
    replace: 'this.#asker = asker;',
  },
  {
    name: 'handover-without-end',
    what: 'An owner whose code does not finish a hand-over never winds down.',
    find: 'this.#handoverDueAtMs = clock.now() + options.handoverTimeoutMs;',
    replace: 'this.#handoverDueAtMs = Infinity;',
  },
  {
    name: 'finished-to-a-successor',
    what: 'A lease at shard end is given to a successor.',
    find: "this.#asker !== undefined || this.#checkpoint.kind === 'shard-end';",
    replace: 'this.#asker !== undefined;',
  },
]);

const acquiring: readonly Plant[] = [
  ...plantsIn('lease-coordinator/src/lease-moves.ts', [
    {
      name: 'acquired-at-the-end',
      what: 'The deadline of a lease that was acquired runs from the end of that write.',
      find: 'if (isMine) return { lease, acquiredAt: outcome.startedAt, wasTakenAway',
      replace: 'if (isMine) return { lease, acquiredAt: readMoment(clock), wasTakenAway',
    },
    {
      name: 'acquired-by-name',
      what: 'A take that was refused counts as mine if the row names me, whichever write that was.',
      find: "(kind === 'applied' || (lease.writeId === acquisition.writeId && effectiveOwner(lease) === me));",
      replace: "(kind === 'applied' || effectiveOwner(lease) === me);",
    },
    {
      name: 'acquired-only-if-answered',
      what: 'A take whose reply was lost counts as a race lost.',
      find: "(kind === 'applied' || (lease.writeId === acquisition.writeId && effectiveOwner(lease) === me));",
      replace: "kind === 'applied';",
    },
    {
      name: 'created-by-anybody-is-held',
      what: 'Who finds the row that it wanted to create holds it, whoever created it.',
      find: 'const isMine = isNew && lease.writeId === writeId && effectiveOwner(lease) === me;',
      replace: 'const isMine = lease.leaseOwner !== undefined || isNew;',
    },
    {
      name: 'created-unowned-is-held',
      what: 'Who creates a row that is to be nobody’s holds it.',
      find: 'const isMine = isNew && lease.writeId === writeId && effectiveOwner(lease) === me;',
      replace: 'const isMine = isNew && lease.writeId === writeId;',
    },
  ]),
  ...plantsIn('lease-coordinator/src/first-start.ts', [
    {
      name: 'dead-filler-is-believed',
      what: 'A newcomer fills the table together with a worker that has died over it long ago.',
      find: 'before ??= fillProgress;',
      replace: 'return true;',
    },
    {
      name: 'fill-only-once',
      what: 'Who has created its share of an empty table does not look whether anything is missing.',
      find: 'if (missing.length === 0) return undefined;',
      replace: 'if (missing.length === 0 || this.#left < Infinity) return undefined;',
    },
    {
      name: 'rows-made-again',
      what: 'Who fills a table makes a row again that it has seen, or made, and that was deleted.',
      find: '!this.#known.has(leaseKey)',
      replace: '!this.#deps.table.leases.some((lease) => lease.leaseKey === leaseKey)',
    },
    {
      name: 'fill-on-an-old-reading',
      what: 'Who fills a table creates rows on a reading that is old.',
      find: 'return this.#sinceLookedMs() >= this.#deps.options.failoverTimeMs;',
      replace: 'return false;',
    },
    {
      name: 'fill-after-sleep',
      what: 'Who has slept over the filling of a table goes on with it.',
      find: 'if (this.#hasOverslept) return undefined;',
      replace: '',
    },
    {
      name: 'fill-seen-by-rows-only',
      what: 'A fill is taken for over when no row has come up for a moment.',
      find: 'const patienceMs = 2 * options.renewIntervalMs;',
      replace: 'const patienceMs = MAX_LOOKS * options.settleMs;',
    },
    {
      name: 'fill-never-stuck',
      what: 'What nobody creates at a first start is waited for, for ever.',
      find: 'return clock.now() - this.#leftSinceMs >= options.scanIntervalMs;',
      replace: 'return false;',
    },
  ]),
  ...plantsIn('lease-coordinator/src/write-attempts.ts', [
    {
      name: 'waiting-counts-as-sent',
      what: 'A write that waited for its turn is sent though its time is up.',
      find: 'if (leftMs <= 0 || !isWanted) {',
      replace: 'if (!isWanted) {',
    },
  ]),
  ...plantsIn('lease-coordinator/src/lease-coordinator.ts', [
    {
      name: 'write-ids-used-twice',
      what: 'All writes of a worker bear the same id.',
      find: '`${workerId}/${String(++writes)}`',
      replace: '`${workerId}/${String(writes)}`',
    },
  ]),
  ...plantsIn('worker/src/worker-identity.ts', [
    {
      name: 'worker-ids-used-twice',
      what: 'What stands in a row does not end in a random part, new at every start.',
      find: '-${randomUUID().slice(0, 13)}`;',
      replace: '`;',
    },
  ]),
];

export const heldLeasePlants: readonly Plant[] = [...deadline, ...attempts, ...refusals, ...handingOver, ...acquiring];
