import type { Position, WorkerMessage } from './messages';

/** What one worker process has said. */
export interface Account {
  readonly name: string;
  readonly messages: readonly WorkerMessage[];
}

/** One holding of one lease, by what was said of it. */
export interface Reign {
  readonly name: string;
  readonly shardId: string;
  readonly token: number;
  /** Of all records that were handed over, in that order. */
  readonly numbers: readonly number[];
  readonly acknowledged: Position;
}

/** By shard, in the order of their fencing tokens. */
export type Ledger = ReadonlyMap<string, readonly Reign[]>;

export function ledgerOf(accounts: readonly Account[]): Ledger {
  const reigns = new Map<string, Reign & { readonly numbers: number[]; acknowledged: Position }>();
  for (const { name, messages } of accounts) {
    for (const message of messages) {
      if (message.kind !== 'handed' && message.kind !== 'acknowledged') continue;
      const { shardId, token } = message;
      const key = [name, shardId, token].join(' ');
      const reign = reigns.get(key) ?? { name, shardId, token, numbers: [], acknowledged: 0 };
      reigns.set(key, reign);
      if (message.kind === 'handed') reign.numbers.push(...message.numbers);
      else reign.acknowledged = further(reign.acknowledged, message.upTo);
    }
  }
  const ledger = new Map<string, Reign[]>();
  for (const reign of [...reigns.values()].sort((a, b) => a.token - b.token)) {
    const before = ledger.get(reign.shardId);
    if (before === undefined) ledger.set(reign.shardId, [reign]);
    else before.push(reign);
  }
  return ledger;
}

/** How far the shard was acknowledged, by all who have read it. */
export function positionOf(ledger: Ledger, shardId: string): Position {
  return (ledger.get(shardId) ?? []).reduce<Position>((position, reign) => further(position, reign.acknowledged), 0);
}

export function further(a: Position, b: Position): Position {
  return a === 'shard end' || b === 'shard end' ? 'shard end' : Math.max(a, b);
}
