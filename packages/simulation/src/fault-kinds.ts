/** Everything that can happen to a fleet. */
export const faultKinds = [
  'kill-before-effect',
  'kill-after-effect',
  'kill-at-timer',
  'pause',
  'suspend',
  'wall-clock-set',
  'partition-dynamodb',
  'partition-kinesis',
  'lost-request',
  'lost-reply',
  'delayed-reply',
  'late-write',
  'repeated-write',
  'throttle-dynamodb',
  'throttle-kinesis',
  'server-error',
  'stale-read',
  'expired-iterator',
  'split',
  'merge',
  'join',
  'leave',
  'deploy',
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** What a fleet goes through without one duplicate, if the user's code behaves. */
export const calmKinds: readonly FaultKind[] = [
  'stale-read',
  'throttle-kinesis',
  'expired-iterator',
  'split',
  'merge',
  'join',
  'leave',
  'deploy',
];

/** Because of these no lease may move. */
export const harmlessKinds: readonly FaultKind[] = ['stale-read', 'throttle-kinesis', 'expired-iterator'];

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
  'stale-read',
] as const satisfies readonly FaultKind[];

export type CallFaultKind = (typeof callFaultKinds)[number];
