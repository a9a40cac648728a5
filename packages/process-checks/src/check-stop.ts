import { further, positionOf, type Account, type Ledger, type Reign } from './ledger';
import type { LeaseRow, Position } from './messages';

export interface Violation {
  /** After whose stop it went wrong. */
  readonly name: string;
  readonly what: string;
}

/**
 * What is wrong with how one worker goes on from another: the first record of each holder of a lease is the one behind the
 * last that was acknowledged before, and within a holding each record follows the one before it.
 */
export function wrongBeginnings(ledger: Ledger): readonly Violation[] {
  return [...ledger.values()].flatMap((reigns) => {
    const found: Violation[] = [];
    let position: Position = 0;
    for (const [index, reign] of reigns.entries()) {
      const before = reigns[index - 1]?.name ?? reign.name;
      found.push(...beginsWrong(reign, before, position), ...goesOnWrong(reign));
      position = further(position, reign.acknowledged);
    }
    return found;
  });
}

function beginsWrong({ name, shardId, numbers }: Reign, before: string, position: Position): readonly Violation[] {
  const [first] = numbers;
  if (first === undefined || (position !== 'shard end' && first === position + 1)) return [];
  const what = `${name} was given record ${first} of ${shardId} first, acknowledged up to ${position}`;
  return [{ name: before, what }];
}

function goesOnWrong({ name, shardId, numbers }: Reign): readonly Violation[] {
  const index = numbers.findIndex((number, at) => at > 0 && number !== (numbers[at - 1] ?? 0) + 1);
  if (index < 0) return [];
  return [{ name, what: `${name} was given record ${numbers[index]} of ${shardId} behind ${numbers[index - 1]}` }];
}

/** What a worker process that has ended has said, or not said, that a clean stop forbids. */
export function wrongWords({ messages }: Account): readonly string[] {
  const found: string[] = [];
  let hasSettled = false;
  for (const message of messages) {
    if (message.kind === 'lost') found.push(`has lost the lease of ${message.shardId}`);
    if (message.kind === 'refused') found.push(`a checkpoint of ${message.shardId} was refused: ${message.why}`);
    if (message.kind === 'stopped' && message.result.unfinishedShardIds.length > 0) {
      found.push(`has left ${message.result.unfinishedShardIds.join()} to expire`);
    }
    if (message.kind === 'settled' && message.open.length > 0) {
      found.push(`${message.open.join()} open after run() had resolved`);
    }
    hasSettled ||= message.kind === 'settled';
  }
  return hasSettled ? found : [...found, 'run() has not resolved'];
}

/** The leases that a worker that has ended still has. */
export function keptLeases({ name }: Account, rows: readonly LeaseRow[]): readonly string[] {
  // A worker's id begins with the name that it was given.
  return rows.filter(({ owner }) => owner?.split('-')[0] === name).map(({ shardId }) => `still owns ${shardId}`);
}

/** Where the table says something else than was acknowledged. For a moment in which no worker lives. */
export function wrongRows(ledger: Ledger, rows: readonly LeaseRow[]): readonly string[] {
  const listed = new Set(rows.map(({ shardId }) => shardId));
  const gone = [...ledger.keys()].filter((shardId) => !listed.has(shardId)).map((shardId) => `${shardId} has no row`);
  const wrong = rows.flatMap(({ shardId, position }) => {
    const acknowledged = positionOf(ledger, shardId);
    return position === acknowledged
      ? []
      : [`${shardId} is stored up to ${position ?? 'no record'}, acknowledged up to ${acknowledged}`];
  });
  return [...gone, ...wrong];
}

/** Whether what `stop()` says was not finished is what was handed over and not acknowledged. For one without a successor yet. */
export function wrongResult({ name, messages }: Account, ledger: Ledger): readonly string[] {
  const said = messages.find((message) => message.kind === 'stopped');
  // Without it the worker was stopped before it had begun.
  const told = (said?.result.unfinished ?? []).map(({ shardId }) => shardId).sort();
  const open = [...ledger.values()]
    .flatMap((reigns) => reigns.at(-1) ?? [])
    .filter((reign) => reign.name === name && isOpen(reign))
    .map(({ shardId }) => shardId)
    .sort();
  return told.join() === open.join() ? [] : [`said that [${told.join()}] are unfinished, and [${open.join()}] are`];
}

function isOpen({ numbers, acknowledged }: Reign): boolean {
  return acknowledged !== 'shard end' && acknowledged < (numbers.at(-1) ?? 0);
}

/** What was put, and never acknowledged. */
export function missing(ledger: Ledger, put: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(put).flatMap(([shardId, last]) => {
    const position = positionOf(ledger, shardId);
    return position === 'shard end' || position === last
      ? []
      : [`${shardId} is acknowledged up to ${position} of ${last}`];
  });
}
