import { plantsIn, type Plant } from './plant';

/* Records that end the process: what the row says of them, what is made of that, and who is not to be blamed. */

export const crashPlants: readonly Plant[] = [
  ...plantsIn('worker/src/careful-delivery.ts', [
    {
      name: 'deliver-unrecorded',
      what: 'What is about to be delivered is delivered whether the row says so or not.',
      find: 'if (await heldLease.attempt(rangesInRow(this.#suspicion, range))) return leave;',
      replace: 'if (this.#suspicion.suspects.length >= 0) return leave;',
    },
    {
      name: 'crash-not-counted',
      what: 'Each holder that is about to deliver a record counts as the first one.',
      find: 'attempts: range.attempts + 1 }',
      replace: 'attempts: 1 }',
    },
    {
      name: 'retry-counts-as-crash',
      what: 'The holder that is about to deliver a record counts twice.',
      find: 'attempts: range.attempts + 1 }',
      replace: 'attempts: range.attempts + 2 }',
    },
    {
      name: 'row-keeps-what-is-done',
      what: 'The row goes on naming what was delivered, until a checkpoint passes it.',
      find: '    await this.#untilTold(async () => (await',
      replace: '    if (!isDone) await this.#untilTold(async () => (await',
    },
    {
      name: 'stop-counts-as-crash',
      what: 'A clean end leaves in the row what was in hand.',
      find: '    await this.#untilTold(async () => (await',
      replace: '    if (isDone) await this.#untilTold(async () => (await',
    },
    {
      name: 'part-of-a-suspect-is-enough',
      what: 'Once a part of a suspect is done with the row forgets the rest.',
      find: 'comparePositions(suspect.last, last) > 0);',
      replace: 'comparePositions(suspect.first, last) > 0);',
    },
    {
      name: 'held-back-never',
      what: 'What ends the process, and may not be let go, is delivered without a pause.',
      find: 'if (crashes >= pauseFrom && !(await',
      replace: 'if (crashes >= 1_000 * pauseFrom && !(await',
    },
    {
      name: 'deadly-delivered',
      what: 'What ends the process is delivered again although it may be let go.',
      find: '&& letsRecordsGo(failurePolicy.kind);',
      replace: '&& letsRecordsGo(failurePolicy.kind) && crashes < 0;',
    },
    {
      name: 'deadly-let-go-by-all',
      what: 'What ends the process is let go, whatever the policy.',
      find: 'const isLetGo = crashes >= maxCrashes && letsRecordsGo(failurePolicy.kind);',
      replace: 'const isLetGo = crashes >= maxCrashes && failurePolicy.kind.length > 0;',
    },
    {
      name: 'one-crash-is-enough',
      what: 'A record is let go one crash too early.',
      find: 'const isLetGo = crashes >= maxCrashes &&',
      replace: 'const isLetGo = crashes > 0 && crashes >= maxCrashes - 1 &&',
    },
    {
      name: 'care-ends-too-soon',
      what: 'The shard is read as usual although not all that was suspicious is stored.',
      find: 'if (!isPassed || compareCheckpoints(stored, start) <= 0) return false;',
      replace: 'if (!isPassed && this.#isOver) return false;',
    },
    {
      name: 'turn-left-too-early',
      what: 'Another shard has its turn while the row still names what was delivered.',
      find: '      await this.#ended(range, isDone);\n      leave();\n',
      replace: '      leave();\n      await this.#ended(range, isDone);\n',
    },
  ]),
  ...plantsIn('worker/src/careful-pieces.ts', [
    {
      name: 'suspect-as-a-whole',
      what: 'What was in hand when a holder was lost is delivered as it was.',
      find: 'Math.ceil(around.recordCount / partOfRange)',
      replace: 'around.recordCount',
    },
    {
      name: 'piece-across-a-suspect',
      what: 'A piece goes on into the next suspect.',
      find: '(next !== undefined && comparePositions(record, next.first) >= 0);',
      replace: '(next !== undefined && comparePositions(record, next.last) > 0);',
    },
    {
      name: 'suspects-overwritten',
      what: 'What comes before a suspect makes the row forget it.',
      find: 'piece, ...behind.slice(0, maxSuspects)];',
      replace: 'piece, ...behind.slice(0, 0)];',
    },
  ]),
  ...plantsIn('worker/src/careful-turn.ts', [
    {
      name: 'turns-side-by-side',
      what: 'The shards that are read with care do not wait for each other.',
      find: 'this.#isTaken = true;',
      replace: 'this.#isTaken = this.#waiting.size > 0;',
    },
  ]),
  ...plantsIn('lease-coordinator/src/held-lease.ts', [
    {
      name: 'attempt-known-in-doubt',
      what: 'What is about to be delivered is not written where the row said so before a write that nobody answered.',
      find: 'if (isSaid && this.#unanswered.isEmpty && !this.closed) return true;',
      replace: 'if (isSaid && !this.closed) return true;',
    },
  ]),
  ...plantsIn('lease-coordinator/src/lease-updates.ts', [
    {
      name: 'asked-owner-not-counted',
      what: 'A take from an owner that had been asked for the lease is no change of owner.',
      find: 'const others = [observed.leaseOwner, effectiveOwner(observed)]',
      replace: 'const others = [observed.leaseOwner]',
    },
  ]),
  ...plantsIn('lease-coordinator/src/attempted-ranges.ts', [
    {
      name: 'attempted-forgotten',
      what: 'Any checkpoint makes the row forget what was attempted.',
      find: 'return ranges.length > 0 && openAttempts(ranges, checkpoint).length === 0;',
      replace: 'return ranges.length > 0 && checkpoint.kind.length > 0;',
    },
    {
      name: 'attempted-never-over',
      what: 'What a checkpoint has passed still counts as attempted.',
      find: 'compareCheckpoints(checkpointAt(last), checkpoint) > 0);',
      replace: 'compareCheckpoints(checkpointAt(last), checkpoint) > -2);',
    },
    {
      name: 'every-take-is-suspicious',
      what: 'A lease is read with care after each take from an owner that had it.',
      find: 'return wasTakenAway && lease.ownerSwitchesSinceCheckpoint >= CRASH_LOOP_FROM;',
      replace: 'return wasTakenAway;',
    },
    {
      name: 'no-loop-is-suspicious',
      what: 'However often a lease was lost, it is read as usual.',
      find: 'return wasTakenAway && lease.ownerSwitchesSinceCheckpoint >= CRASH_LOOP_FROM;',
      replace: 'return wasTakenAway && lease.ownerSwitchesSinceCheckpoint < 0;',
    },
  ]),
];
