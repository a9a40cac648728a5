import crypto from 'node:crypto';
import type { Random } from '@millrace/core';

/** What the worker names itself with, and the only chance that does not come in through its options. */
const replaceable = crypto as { randomUUID: () => string };

/** Runs `action` with ids that come from `random`. Nothing else runs meanwhile. */
export function withSeededUuid<T>(random: Random, action: () => T): T {
  const { randomUUID } = replaceable;
  replaceable.randomUUID = () => {
    const digits = Array.from({ length: 32 }, () => Math.floor(random.next() * 16).toString(16)).join('');
    return [8, 12, 16, 20].reduceRight((text, at) => `${text.slice(0, at)}-${text.slice(at)}`, digits);
  };
  try {
    return action();
  } finally {
    replaceable.randomUUID = randomUUID;
  }
}
