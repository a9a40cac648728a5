import type { ServiceCall } from './service-call';

/** What a write to the lease table is for, by what it sets. */
export type WriteKind =
  | 'creates'
  | 'deletes'
  | 'takes'
  | 'adopts'
  | 'checkpoints'
  | 'asks'
  | 'evicts'
  | 'releases to a successor'
  | 'hands over'
  | 'cancels'
  | 'releases'
  | 'renews'
  | 'attempts'
  | 'shows life'
  | 'sends mail'
  | 'takes mail';

/** Those that change a lease. */
export const leaseWriteKinds = [
  'creates',
  'takes',
  'adopts',
  'checkpoints',
  'asks',
  'evicts',
  'releases to a successor',
  'hands over',
  'cancels',
  'releases',
  'renews',
] as const satisfies readonly WriteKind[];

/** The first sign that an update has says what it is. */
const signs: readonly (readonly [RegExp, WriteKind])[] = [
  [/millraceHeartbeat/, 'shows life'],
  [/ADD millraceMail/, 'sends mail'],
  [/DELETE millraceMail/, 'takes mail'],
  [/^SET leaseOwner .*millraceFailoverMs =/, 'takes'],
  [/millraceFailoverMs =/, 'adopts'],
  [/checkpoint =/, 'checkpoints'],
  [/millraceAttempted/, 'attempts'],
  [/millraceReceiver =/, 'asks'],
  [/millraceEvicted =/, 'evicts'],
  [/:successor/, 'releases to a successor'],
  [/millraceHandedOver =/, 'hands over'],
  [/leaseOwner = :me/, 'cancels'],
  [/REMOVE leaseOwner/, 'releases'],
];

const known = new Map<string, WriteKind>();

export function writeKindOf({ operation, input }: ServiceCall): WriteKind {
  if (operation === 'PutItem') return 'creates';
  if (operation === 'DeleteItem') return 'deletes';
  const update = String(input['UpdateExpression']);
  let kind = known.get(update);
  if (kind === undefined) {
    kind = signs.find(([sign]) => sign.test(update))?.[1] ?? 'renews';
    known.set(update, kind);
  }
  return kind;
}
