import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { pid } from 'node:process';

/**
 * What stands in lease rows: the name that people recognise, and a random part, new at every start, so that no earlier
 * life of this worker can be taken for it.
 */
export function newWorkerId(name: string | undefined): string {
  return `${name ?? `${hostname()}-${String(pid)}`}-${randomUUID().slice(0, 13)}`;
}
