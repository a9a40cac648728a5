import { lines, plantsIn, type Plant } from './plant';

/* Who may have which lease, and from when on: architecture §3, rules 1, 5, 6, 11 and 13, and the plan. */

const expiry: readonly Plant[] = [
  ...plantsIn('lease-coordinator/src/lease-observer.ts', [
    {
      name: 'expires-after-half',
      what: 'A lease counts as expired when its counter has stood still for half a failover time.',
      find: 'return failoverTimeMs + expiryMarginMs(failoverTimeMs);',
      replace: 'return failoverTimeMs / 2;',
    },
    {
      name: 'expires-without-margin',
      what: 'A lease counts as expired after the failover time, without the margin for clocks that run faster.',
      find: 'return failoverTimeMs + expiryMarginMs(failoverTimeMs);',
      replace: 'return failoverTimeMs;',
    },
    {
      name: 'expires-by-my-failover-time',
      what: "The row's failover time does not count where it is longer than the observer's.",
      find: 'Math.max(this.#failoverTimeMs, theirFailoverTimeMs ?? 0)',
      replace: 'this.#failoverTimeMs',
    },
    {
      name: 'expires-by-their-failover-time',
      what: "The observer's failover time does not count where it is longer than the row's.",
      find: 'Math.max(this.#failoverTimeMs, theirFailoverTimeMs ?? 0)',
      replace: '(theirFailoverTimeMs ?? this.#failoverTimeMs)',
    },
    {
      name: 'no-gap-rule',
      what: 'After an outage of the table all leases look expired at once.',
      find: 'const afterGap = this.#readAtMs !== undefined && nowMs - this.#readAtMs > this.#failoverTimeMs / 2;',
      replace: 'const afterGap = false;',
    },
    {
      name: 'evicted-is-free',
      what: 'A lease that was evicted may be taken at once.',
      find: ' && !lease.healed && !lease.evicted;',
      replace: ' && !lease.healed;',
    },
    {
      name: 'healed-is-free',
      what: 'A row that was put back may be taken at once.',
      find: ' && !lease.healed && !lease.evicted;',
      replace: ' && !lease.evicted;',
    },
    {
      name: 'half-asked-is-free',
      what: 'A row with half of a hand-over left in it may be taken at once.',
      find: ' && lease.checkpointOwner === undefined && !lease.healed',
      replace: ' && !lease.healed',
    },
    {
      name: 'gone-too-early',
      what: 'A worker counts as gone when its row has stood still for a tenth of the time.',
      find: 'return stillForMs < (isSuspect ? limitMs * SUSPECT_AFTER : limitMs);',
      replace: 'return stillForMs < limitMs / 10 && !isSuspect;',
    },
    {
      name: 'gone-never',
      what: 'A worker is counted on for as long as its row is there.',
      find: 'return stillForMs < (isSuspect ? limitMs * SUSPECT_AFTER : limitMs);',
      replace: 'return stillForMs >= 0 || isSuspect;',
    },
  ]),
  ...plantsIn('lease-coordinator/src/lease-coordinator.ts', [
    {
      name: 'expires-from-the-question',
      what: 'A counter counts as seen from when the table was asked for it, not from when the answer arrived.',
      find: "const onPage: ListOptions['onPage'] = (leases, workers) => this.#table.takeInPage(leases, workers, clock.now());",
      replace: lines(
        'const askedAtMs = clock.now();',
        "    const onPage: ListOptions['onPage'] = (leases, workers) => this.#table.takeInPage(leases, workers, askedAtMs);",
      ),
    },
  ]),
  ...plantsIn('lease-coordinator/src/sightings.ts', [
    {
      name: 'expires-whatever-moves',
      what: 'A lease expires although its counter has moved.',
      find: 'this.#sightings.set(key, { counter, sinceMs: nowMs, hasMoved',
      replace: 'this.#sightings.set(key, { counter, sinceMs: before?.sinceMs ?? nowMs, hasMoved',
    },
  ]),
];

const views: readonly Plant[] = plantsIn('lease-coordinator/src/lease-views.ts', [
  {
    name: 'adopt-unmarked',
    what: 'A row that names me is adopted although its old owner has not marked it.',
    find: 'const isOffered = isOthers && isHandedOverTo(request.me.workerId, lease);',
    replace:
      'const isOffered = isOthers && lease.leaseOwner === request.me.workerId && lease.checkpointOwner === undefined;',
  },
  {
    name: 'adopted-still-counts-as-offered',
    what: 'What was adopted counts as offered until the row is read again, and does not count for the limit.',
    find: "const isOthers = view.state === 'fixed' && !request.isMoving(leaseKey) && !request.isHeld(leaseKey);",
    replace: 'const isOthers = true;',
  },
  {
    name: 'take-from-a-live-successor',
    what: 'A lease that was handed over to a worker which takes part is free.',
    find: 'if (lease.handedOver && !isPending && !isTakingPart(leaseOwner)) return',
    replace: 'if (lease.handedOver && !isPending) return',
  },
  {
    name: 'wait-for-a-dead-successor',
    what: 'A lease that was handed over to a worker which is gone has to expire.',
    find: '    if (lease.handedOver && !isPending && !isTakingPart(leaseOwner)) return',
    replace: '    if (lease.handedOver && leaseOwner === undefined) return',
  },
  {
    name: 'ask-the-promised',
    what: 'A lease that was asked for, or handed over, can be asked for again before its receiver has it.',
    find: lines(
      "    if (isPending) return { owner: isPromised ? leaseOwner : checkpointOwner, state: 'fixed' };",
      '    const canBeAsked = leaseOwner !== me && !lease.handedOver && isTakingPart(leaseOwner);',
    ),
    replace: lines(
      "    if (isPending) return { owner: isPromised ? leaseOwner : checkpointOwner, state: 'movable' };",
      '    const canBeAsked = leaseOwner !== me && isTakingPart(leaseOwner);',
    ),
  },
  {
    name: 'take-the-promised',
    what: 'An expired lease is not left to the worker that had asked for it.',
    find: "  if (isPromised && leaseOwner !== me) return { owner: leaseOwner, state: 'fixed' };\n  return",
    replace: '  return',
  },
  {
    name: 'held-by-the-row-alone',
    what: 'A worker goes by the table alone, and not by what it holds.',
    find: 'if (isHeld(lease.leaseKey)) {',
    replace: 'if (isHeld(lease.leaseKey) && leaseOwner === me) {',
  },
  {
    name: 'count-on-the-stopping',
    what: 'A worker that is stopping is counted on.',
    find: 'if (workers.has(workerId) || stopping || !observer',
    replace: 'if (workers.has(workerId) || !observer',
  },
  {
    name: 'newcomer-without-a-row',
    what: 'A worker that has no row in the registry is not given the time to see what was handed over to it.',
    find: '(isPending || observer.leaseStillForMs(lease, nowMs) < unclaimedAfterMs)',
    replace: 'isPending',
  },
  {
    name: 'asked-is-alive',
    what: 'Whoever has asked for a lease takes part, also if it has left the registry.',
    find: 'if (mayWrite(workerId, lease)) return true;',
    replace: 'if (mayWrite(workerId, lease) || isHandoverPending(lease)) return true;',
  },
  {
    name: 'count-on-the-unregistered-never',
    what: 'A worker without a row in the registry does not take part, also if it holds leases.',
    find: 'if (workerId === undefined || known.has(workerId) || workers.has(workerId)) continue;',
    replace: 'if (workerId === undefined || known.has(workerId) || known.size >= 0) continue;',
  },
]);

const parts: readonly Plant[] = [
  ...plantsIn('lease-coordinator/src/my-part.ts', [
    {
      name: 'adopt-beyond-the-limit',
      what: 'A worker adopts more than `maxLeases`.',
      find: 'return offered.slice(0, Math.max(0, maxLeases - others)).map',
      replace: 'return offered.slice(0, Math.max(Infinity, maxLeases - others)).map',
    },
    {
      name: 'take-beyond-the-limit',
      what: 'A worker takes more than its limit of leases.',
      find: 'const room = Math.max(0, me.maxLeases - owned);',
      replace: 'const room = Infinity;',
    },
    {
      name: 'newest-plan-of-mine',
      what: 'Each worker goes by the newest plan that it knows.',
      find: 'plans.filter(({ version }) => version <= lowest);',
      replace: 'plans.filter(({ version }) => version <= Math.max(lowest, Infinity));',
    },
    {
      name: 'take-what-is-assigned-to-others',
      what: 'A worker takes all that is free, and not only its part.',
      find: 'const mayTake = [...leases.filter((view) => isFree(view) && isMine(view)), ...beyondShare];',
      replace: 'const mayTake = leases.filter((view) => isFree(view));',
    },
  ]),
  ...plantsIn('lease-coordinator/src/assignment-plan.ts', [
    {
      name: 'plan-not-sticky',
      what: 'The shares that are one greater do not stay with those that have one more already.',
      find: 'hasMore(b) - hasMore(a) ||',
      replace: 'hasMore(a) - hasMore(b) ||',
    },
    {
      name: 'plan-moves-the-oldest',
      what: 'Of a worker with too much those leases move that it has held longest.',
      find: 'return (b.acquiredAtMs ?? 0) - (a.acquiredAtMs ?? 0) || byKey(a, b);',
      replace: 'return (a.acquiredAtMs ?? 0) - (b.acquiredAtMs ?? 0) || byKey(a, b);',
    },
  ]),
  ...plantsIn('lease-coordinator/src/table-view.ts', [
    {
      name: 'forget-who-has-left',
      what: 'That a worker has left the registry is known only as long as a lease names it.',
      find: 'nowMs - atMs <= lastedMs',
      replace: 'nowMs - atMs < 0',
    },
    {
      name: 'unclaimed-never',
      what: 'A free lease whose taker does not take it is left to that one for ever.',
      find: 'const UNCLAIMED_AFTER = 1 / 2;',
      replace: 'const UNCLAIMED_AFTER = Infinity;',
    },
    {
      name: 'evict-too-early',
      what: 'An owner is evicted soon after it was asked.',
      find: lines(
        'Math.max(handoverTimeoutMs, this.#handoverTimeoutMs(lease.checkpointOwner)) +',
        '            DEAF_AFTER * ',
      ),
      replace: '0.05 * ',
    },
    {
      name: 'evict-never',
      what: 'An owner that goes on renewing and does not answer keeps its lease.',
      find: '        isHandoverPending(lease) &&\n        lease.checkpointOwner !== this.#me.workerId &&',
      replace: '        !isHandoverPending(lease) &&\n        isHandoverPending(lease) &&',
    },
    {
      name: 'forget-too-early',
      what: 'The row of a worker is removed when it has stood still for a moment.',
      find: 'const FORGOTTEN_AFTER = 5;',
      replace: 'const FORGOTTEN_AFTER = 1 / 20;',
    },
    {
      name: 'old-rows-win',
      what: 'A row that was read by itself replaces what is known, also if it is older.',
      find: 'else if (known === undefined || row.leaseCounter >= known.leaseCounter) byKey',
      replace: 'else byKey',
    },
  ]),
];

const coordinating: readonly Plant[] = [
  ...plantsIn('lease-coordinator/src/fleet-planner.ts', [
    {
      name: 'no-settling',
      what: 'Shares are computed in the moment in which a worker has appeared.',
      find: 'const waits = this.#deps.options.registry && hasNew && this.#unsettled < MAX_UNSETTLED;',
      replace: 'const waits = hasNew && this.#unsettled < -MAX_UNSETTLED;',
    },
  ]),
  ...plantsIn('lease-coordinator/src/lease-coordinator.ts', [
    {
      name: 'decline-never',
      what: 'A lease that was handed over to a worker which does not want it is kept in its name.',
      find: 'if (isHandedOverTo(me, lease)) this.#start',
      replace: 'if (isHandedOverTo(me, lease) && this.#creating < 0) this.#start',
    },
    {
      name: 'pass-on-never',
      what: 'A lease that was asked of a worker before it had adopted it is not passed on.',
      find: 'if (isToBePassedOn(me, lease)) this.#start',
      replace: 'if (isToBePassedOn(me, lease) && this.#creating < 0) this.#start',
    },
    {
      name: 'acquire-while-stopping',
      what: 'A move that was planned before the stop is carried out after it.',
      find: "if (this.#stopping || (how === 'taken' &&",
      replace: "if ((how === 'taken' &&",
    },
    {
      name: 'create-beyond-the-limit',
      what: 'A row is created as its own by a worker that has come to its limit since the shares were computed.',
      find: 'const unowned = ownership.unowned || this.#wanted() >= this.#deps.options.maxLeases;',
      replace: 'const { unowned } = ownership;',
    },
    {
      name: 'move-while-held',
      what: 'A lease is acquired again while this worker holds it, or acquires it.',
      find: 'if (this.#moving.has(leaseKey) || this.#held.has(leaseKey)) return;\n    this.#tasks',
      replace: 'this.#tasks',
    },
    {
      name: 'deregister-though-abandoned',
      what: 'A worker that has left leases to expire removes its row all the same.',
      find: 'if (this.#held.hasAbandoned) await this.#registration?.announceStop();\n    else await',
      replace: 'await',
    },
    {
      name: 'no-notice',
      what: 'The readings of the table tell a holder nothing: it learns of a request by mail and its own writes.',
      find: 'for (const lease of listing.leases) this.#held.get(lease.leaseKey)?.notice(lease);',
      replace: '',
    },
  ]),
  ...plantsIn('lease-coordinator/src/successors.ts', [
    {
      name: 'no-successors',
      what: 'A worker that gives leases up names nobody who is to have them.',
      find: '(await ofStop)?.get(leaseKey);',
      replace: '(await ofStop)?.get(`not ${leaseKey}`);',
    },
    {
      name: 'successors-of-the-past',
      what: 'A worker that stops does not look whether others are stopping too.',
      find: 'if (options.registry) {',
      replace: 'if (options.registry && options.settleMs < 0) {',
    },
  ]),
  ...plantsIn('lease-coordinator/src/lease-holdings.ts', [
    {
      name: 'hold-the-unwanted',
      what: 'A lease that was acquired while the worker stops is not given back at once.',
      find: '    if (unwanted) {\n',
      replace: '    if (unwanted && !unwanted) {\n',
    },
  ]),
];

export const leaseSharingPlants: readonly Plant[] = [...expiry, ...views, ...parts, ...coordinating];
