import { lines, plantsIn, type Plant } from './plant';

/* Every condition of every write to a lease, and the counter that it must move. */

const anyCounter = '`${a.leaseCounter} = :counter OR ${a.leaseCounter} <> :counter`';
const anyOwner = '`attribute_not_exists(${a.leaseOwner}) OR ${a.leaseOwner} = :me OR ${a.leaseOwner} <> :me`';
/** Needs the value that would move the counter, and leaves that alone. */
const addNothing = 'ADD ${a.ownerSwitches} :one';

const acquiring: readonly Plant[] = plantsIn('lease-coordinator/src/lease-updates.ts', [
  {
    name: 'take-any-counter',
    what: 'A lease is taken whatever was written since it was observed.',
    find: 'condition: condition.counterAsObserved,\n    update: `SET ${sets',
    replace: `condition: ${anyCounter},\n    update: \`SET \${sets`,
  },
  {
    name: 'take-counter-stays',
    what: 'A take leaves the counter alone.',
    find: '? `${bumpCounter}, ${a.ownerSwitches} :one` : bumpCounter;',
    replace: '? `${a.ownerSwitches} :one` : `${a.ownerSwitches} :one`;',
  },
  {
    name: 'take-keeps-asked',
    what: 'A take leaves the request that the dead owner did not answer.',
    find: 'ADD ${adds} REMOVE ${marksOfThePast}`,',
    replace: "ADD ${adds} REMOVE ${[a.handedOver, a.evicted, a.healed].join(', ')}`,",
  },
  {
    name: 'take-keeps-handed-over',
    what: 'A lease that was taken is still marked as handed over.',
    find: 'ADD ${adds} REMOVE ${marksOfThePast}`,',
    replace: "ADD ${adds} REMOVE ${[a.checkpointOwner, a.receiver, a.requestId, a.evicted, a.healed].join(', ')}`,",
  },
  {
    name: 'take-keeps-evicted',
    what: 'A lease that was taken is still marked as evicted, or healed.',
    find: 'ADD ${adds} REMOVE ${marksOfThePast}`,',
    replace: "ADD ${adds} REMOVE ${handoverAttributes.join(', ')}`,",
  },
  {
    name: 'take-keeps-failover-time',
    what: 'Who takes a lease does not write its own failover time into the row.',
    find: lines(
      "    ':failover': number(failoverTimeMs),",
      "    ':acquired': number(acquiredAtMs),",
      "    ':arn': text(identity.streamArn),",
      "    ':created': number(identity.streamCreatedAtMs),",
      '  };',
      '  const sets = [',
      '    `${a.leaseOwner} = :me`,',
      '    `${a.writeId} = :write`,',
      '    `${a.failoverTimeMs} = :failover`,',
    ),
    replace: lines(
      "    ':failover': number(failoverTimeMs),",
      "    ':acquired': number(acquiredAtMs),",
      "    ':arn': text(identity.streamArn),",
      "    ':created': number(identity.streamCreatedAtMs),",
      '  };',
      '  const sets = [',
      '    `${a.leaseOwner} = :me`,',
      '    `${a.writeId} = :write`,',
      '    `${a.failoverTimeMs} = if_not_exists(${a.failoverTimeMs}, :failover)`,',
    ),
  },
  {
    name: 'adopt-any-counter',
    what: 'A lease that names me is adopted whatever was written since it was observed.',
    find: 'condition.allOf(condition.counterAsObserved, condition.namesMeAndNoHandoverIsPending)',
    replace: `condition.allOf(${anyCounter}, condition.namesMeAndNoHandoverIsPending)`,
  },
  {
    name: 'adopt-any-owner',
    what: 'A lease is adopted also if it names another by now: a request leaves the counter alone.',
    find: 'condition.allOf(condition.counterAsObserved, condition.namesMeAndNoHandoverIsPending)',
    replace: `condition.allOf(condition.counterAsObserved, ${anyOwner})`,
  },
  {
    name: 'adopt-pending',
    what: 'A lease that names me is adopted although a hand-over is pending.',
    find: 'condition.allOf(condition.counterAsObserved, condition.namesMeAndNoHandoverIsPending)',
    replace: 'condition.allOf(condition.counterAsObserved, condition.ownerIsMe)',
  },
  {
    name: 'adopt-counter-stays',
    what: 'An adoption leaves the counter alone.',
    find: '`ADD ${bumpCounter} REMOVE ${marksOfThePast}`',
    replace: `\`${addNothing} REMOVE \${marksOfThePast}\``,
  },
  {
    name: 'adopt-keeps-handed-over',
    what: 'A lease that was adopted is still marked as handed over.',
    find: '`ADD ${bumpCounter} REMOVE ${marksOfThePast}`',
    replace:
      "`ADD ${bumpCounter} REMOVE ${[a.checkpointOwner, a.receiver, a.requestId, a.evicted, a.healed].join(', ')}`",
  },
]);

/** Both kinds of checkpoints, which have one condition. */
const checkpointsUnder = (condition: string): string =>
  lines(
    `const storeCheckpoint = updateOf(${condition}, checkpointExpression);`,
    `const storePastAttempted = updateOf(${condition}, \`\${checkpointExpression}, \${a.attempted}\`);`,
  );

/** Both kinds of renewals that say what is about to be handed over, or that nothing is. */
const attemptsUnder = (condition: string, add = 'ADD ${bumpCounter}'): string =>
  lines(
    `const attempt = updateOf(${condition}, \`SET \${a.writeId} = :write, \${a.attempted} = :attempted ${add}\`);`,
    `const forgetAttempt = updateOf(${condition}, \`SET \${a.writeId} = :write ${add} REMOVE \${a.attempted}\`);`,
  );

const holding: readonly Plant[] = plantsIn('lease-coordinator/src/lease-updates.ts', [
  {
    name: 'renew-any-counter',
    what: 'A renewal does not look at the counter.',
    find: 'const renew = updateOf(holdsAsObserved,',
    replace: `const renew = updateOf(condition.allOf(${anyCounter}, condition.effectiveOwnerIsMe),`,
  },
  {
    name: 'renew-any-owner',
    what: 'A renewal does not look at the owner.',
    find: 'const renew = updateOf(holdsAsObserved,',
    replace: `const renew = updateOf(condition.allOf(condition.counterAsObserved, ${anyOwner}),`,
  },
  {
    name: 'renew-not-while-asked',
    what: 'A renewal is refused as soon as another has asked for the lease.',
    find: 'const renew = updateOf(holdsAsObserved,',
    replace: 'const renew = updateOf(condition.allOf(condition.counterAsObserved, condition.ownerIsMe),',
  },
  {
    name: 'renew-counter-stays',
    what: 'A renewal leaves the counter alone.',
    find: '`SET ${a.writeId} = :write ADD ${bumpCounter}`',
    replace: `\`SET \${a.writeId} = :write ${addNothing}\``,
  },
  {
    name: 'attempt-any-counter',
    what: 'What is about to be handed over is written whatever was written since.',
    find: attemptsUnder('holdsAsObserved'),
    replace: attemptsUnder(`condition.allOf(${anyCounter}, condition.effectiveOwnerIsMe)`),
  },
  {
    name: 'attempt-any-owner',
    what: 'What is about to be handed over is written whoever owns the lease.',
    find: attemptsUnder('holdsAsObserved'),
    replace: attemptsUnder(`condition.allOf(condition.counterAsObserved, ${anyOwner})`),
  },
  {
    name: 'attempt-not-while-asked',
    what: 'What is about to be handed over cannot be written as soon as another has asked for the lease.',
    find: attemptsUnder('holdsAsObserved'),
    replace: attemptsUnder('condition.allOf(condition.counterAsObserved, condition.ownerIsMe)'),
  },
  {
    name: 'attempt-counter-stays',
    what: 'To write what is about to be handed over leaves the counter alone.',
    find: attemptsUnder('holdsAsObserved'),
    replace: attemptsUnder('holdsAsObserved', addNothing),
  },
  {
    name: 'checkpoint-any-counter',
    what: 'A checkpoint does not look at the counter.',
    find: checkpointsUnder('holdsAsObserved'),
    replace: checkpointsUnder(`condition.allOf(${anyCounter}, condition.effectiveOwnerIsMe)`),
  },
  {
    name: 'checkpoint-any-owner',
    what: 'A checkpoint does not look at the owner.',
    find: checkpointsUnder('holdsAsObserved'),
    replace: checkpointsUnder(`condition.allOf(condition.counterAsObserved, ${anyOwner})`),
  },
  {
    name: 'checkpoint-not-while-asked',
    what: 'A checkpoint is refused as soon as another has asked for the lease.',
    find: checkpointsUnder('holdsAsObserved'),
    replace: checkpointsUnder('condition.allOf(condition.counterAsObserved, condition.ownerIsMe)'),
  },
  {
    name: 'checkpoint-counter-stays',
    what: 'A checkpoint leaves the counter alone: it does not count as a renewal.',
    find: '`${a.ownerSwitches} = :zero ADD ${bumpCounter} ` +',
    replace: '`${a.ownerSwitches} = :zero ADD millraceUnused :one ` +',
  },
]);

const asking: readonly Plant[] = plantsIn('lease-coordinator/src/lease-updates.ts', [
  {
    name: 'request-counter-moves',
    what: 'A request moves the counter, so that the owner cannot go on writing.',
    find: '  return requestHandover({',
    replace: lines(
      '  const bumping = updateOf(condition.mayBeAskedFor, `${requestHandover({}).update} ADD ${bumpCounter}`);',
      '  return bumping({',
      "    ':one': number(1),",
    ),
  },
  {
    name: 'request-overwrites-write-id',
    what: "A request bears its id over the holder's, which cannot tell any more that its write got through.",
    find: '${a.requestId} = :write`',
    replace: '${a.writeId} = :write`',
  },
  {
    name: 'complete-any-counter',
    what: 'A hand-over is completed whatever was written since.',
    find: lines('const completeHandover = updateOf(', '  isAskedAsObserved,'),
    replace: lines(
      'const completeHandover = updateOf(',
      `  condition.allOf(${anyCounter}, condition.askedToHandOver),`,
    ),
  },
  {
    name: 'complete-not-asked',
    what: 'A hand-over is completed although nobody asks for it any more.',
    find: lines('const completeHandover = updateOf(', '  isAskedAsObserved,'),
    replace: lines(
      'const completeHandover = updateOf(',
      `  condition.allOf(condition.counterAsObserved, ${anyOwner}),`,
    ),
  },
  {
    name: 'complete-counter-stays',
    what: 'A completion leaves the counter alone.',
    find: '${a.handedOver} = ${a.leaseOwner} ADD ${bumpCounter}, ${a.ownerSwitches} :one ` +',
    replace: '${a.handedOver} = ${a.leaseOwner} ADD ${a.ownerSwitches} :one ` +',
  },
  {
    name: 'complete-unmarked',
    what: 'A completion does not say that nobody reads under the row.',
    find: '`SET ${a.writeId} = :write, ${a.handedOver} = ${a.leaseOwner} ADD',
    replace: '`SET ${a.writeId} = :write ADD',
  },
  {
    name: 'cancel-any-counter',
    what: 'A request is cancelled whatever was written since.',
    find: lines('const cancelHandover = updateOf(', '  isAskedAsObserved,'),
    replace: lines('const cancelHandover = updateOf(', `  condition.allOf(${anyCounter}, condition.askedToHandOver),`),
  },
  {
    name: 'cancel-not-asked',
    what: 'A request is cancelled that is not there.',
    find: lines('const cancelHandover = updateOf(', '  isAskedAsObserved,'),
    replace: lines('const cancelHandover = updateOf(', `  condition.allOf(condition.counterAsObserved, ${anyOwner}),`),
  },
  {
    name: 'cancel-counter-stays',
    what: 'A cancellation leaves the counter alone.',
    find: '${a.leaseOwner} = :me ADD ${bumpCounter} ` +',
    replace: `\${a.leaseOwner} = :me ${addNothing} \` +`,
  },
]);

const givingUp: readonly Plant[] = plantsIn('lease-coordinator/src/lease-updates.ts', [
  {
    name: 'release-any-counter',
    what: 'A lease is released whatever was written since.',
    find: 'const ownsAsObserved = condition.allOf(condition.counterAsObserved, condition.ownerIsMe);',
    replace: `const ownsAsObserved = condition.allOf(${anyCounter}, condition.ownerIsMe);`,
  },
  {
    name: 'release-any-owner',
    what: 'A lease is released whoever owns it.',
    find: 'const ownsAsObserved = condition.allOf(condition.counterAsObserved, condition.ownerIsMe);',
    replace: `const ownsAsObserved = condition.allOf(condition.counterAsObserved, ${anyOwner});`,
  },
  {
    name: 'release-while-asked',
    what: 'A release does not turn into the completion of a request that came meanwhile.',
    find: 'const ownsAsObserved = condition.allOf(condition.counterAsObserved, condition.ownerIsMe);',
    replace: 'const ownsAsObserved = condition.allOf(condition.counterAsObserved, condition.effectiveOwnerIsMe);',
  },
  {
    name: 'release-to-nobody-counter-stays',
    what: 'A release to nobody leaves the counter alone.',
    find: 'updateOf(ownsAsObserved, `SET ${a.writeId} = :write ADD ${bumpCounter} ${noOwner}`)',
    replace: `updateOf(ownsAsObserved, \`SET \${a.writeId} = :write ${addNothing} \${noOwner}\`)`,
  },
  {
    name: 'release-to-successor-counter-stays',
    what: 'A release to a successor leaves the counter alone.',
    find: '`ADD ${bumpCounter}, ${a.ownerSwitches} :one REMOVE ${a.checkpointOwner}, ${a.receiver}, ${a.requestId}`,',
    replace: `\`${addNothing} REMOVE \${a.checkpointOwner}, \${a.receiver}, \${a.requestId}\`,`,
  },
  {
    name: 'release-to-successor-unmarked',
    what: 'A release to a successor does not say that nobody reads under the row.',
    find: '${a.leaseOwner} = :successor, ${a.handedOver} = :successor ` +',
    replace: '${a.leaseOwner} = :successor ` +',
  },
  {
    name: 'evict-any-counter',
    what: 'A lease is evicted whatever was written since it was observed.',
    find: lines('const evict = updateOf(', '  condition.counterAsObserved,'),
    replace: lines('const evict = updateOf(', `  ${anyCounter},`),
  },
  {
    name: 'evict-counter-stays',
    what: 'An eviction leaves the counter alone.',
    find: '${a.evicted} = :true ADD ${bumpCounter} ${noOwner}`',
    replace: `\${a.evicted} = :true ${addNothing} \${noOwner}\``,
  },
  {
    name: 'evict-unmarked',
    what: 'An evicted lease looks like one that was given up: anybody takes it at once.',
    find: '${a.evicted} = :true ADD',
    replace: 'millraceUnused = :true ADD',
  },
  {
    name: 'evict-to-the-receiver',
    what: 'An eviction gives the lease to the receiver, who adopts it at once, instead of to nobody.',
    find: '${a.evicted} = :true ADD ${bumpCounter} ${noOwner}`',
    replace:
      'millraceUnused = :true, ${a.handedOver} = ${a.leaseOwner} ADD ${bumpCounter} ' +
      'REMOVE ${a.checkpointOwner}, ${a.receiver}, ${a.requestId}`',
  },
]);

export const leaseWritePlants: readonly Plant[] = [...acquiring, ...holding, ...asking, ...givingUp];
