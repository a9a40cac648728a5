/** What is drawn for a storm. */
export const stormKinds = [
  'kill-before-effect',
  'kill-after-effect',
  'kill-at-timer',
  'pause',
  'suspend',
  'wall-clock-set',
  'partition-dynamodb',
  'partition-kinesis',
  'doubt-then-silence',
  'access-denied',
  'lost-request',
  'lost-reply',
  'delayed-reply',
  'late-write',
  'repeated-write',
  'throttle-dynamodb',
  'throttle-kinesis',
  'server-error',
  'unknown-error',
  'late-read',
  'stale-read',
  'expired-iterator',
  'row-deleted',
  'kcl-steals',
  'trim',
  'age-out',
  'split',
  'merge',
  'join',
  'leave',
  'deploy',
] as const;

/** Everything that can happen to a fleet. */
export const faultKinds = [...stormKinds, 'deadly-record'] as const;

export type FaultKind = (typeof faultKinds)[number];

/** What a fleet goes through without one duplicate, if the user's code behaves. */
export const calmKinds: readonly FaultKind[] = [
  'stale-read',
  'throttle-kinesis',
  'expired-iterator',
  'trim',
  'split',
  'merge',
  'join',
  'leave',
  'deploy',
];

/** Because of these no lease is lost, if they come one by one and last a third of the failover time at most. */
export const showerKinds: readonly FaultKind[] = [
  ...['lost-reply', 'lost-reply', 'late-write', 'repeated-write', 'unknown-error', 'server-error'],
  ...['delayed-reply', 'throttle-dynamodb', 'pause', 'suspend', 'partition-dynamodb', 'partition-kinesis'],
  ...calmKinds,
] as const satisfies readonly FaultKind[];

/** Because of these no lease may move. */
export const harmlessKinds: readonly FaultKind[] = ['stale-read', 'throttle-kinesis', 'expired-iterator', 'trim'];

/** Faults of single calls, as long as a window is open. */
export const callFaultKinds = [
  'lost-request',
  'lost-reply',
  'delayed-reply',
  'late-write',
  'repeated-write',
  'throttle-dynamodb',
  'throttle-kinesis',
  'server-error',
  'unknown-error',
  'late-read',
  'stale-read',
] as const satisfies readonly FaultKind[];

export type CallFaultKind = (typeof callFaultKinds)[number];
