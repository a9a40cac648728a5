import { lines, plantsIn, type Plant } from './plant';

/* Which shards may be read, and which rows there must be: "Shards" and "Initial position" of architecture §3. */

export const shardPlants: readonly Plant[] = [
  ...plantsIn('shard-discovery/src/lease-sync-plan.ts', [
    {
      name: 'no-parent-wait',
      what: 'A shard does not wait for its parents.',
      find: 'return parentShardIds.every((parent) => {\n      if (lineage()',
      replace: 'return [].every((parent) => {\n      if (lineage()',
    },
    {
      name: 'one-parent-is-enough',
      what: 'A shard that came out of a merge waits for one parent only.',
      find: 'return parentShardIds.every((parent) => {\n      if (lineage()',
      replace: 'return parentShardIds.length === 0 || parentShardIds.some((parent) => {\n      if (lineage()',
    },
    {
      name: 'parent-without-a-row',
      what: 'A parent that has no row does not block, although the stream lists it.',
      find: 'return !lineage().rows.has(parent) && lineage().isKnown(leaseKey) && !isAwaited(lineage(), parent);',
      replace: 'return !lineage().rows.has(parent);',
    },
    {
      name: 'parent-newer-than-the-listing',
      what: 'A shard that is newer than the last listing does not wait for a newer one.',
      find: ' && lineage().isKnown(leaseKey) && !isAwaited',
      replace: ' && !isAwaited',
    },
    {
      name: 'roots-wait',
      what: 'A root waits for its parents.',
      find: 'if (!isInitial(checkpoint) || root) return true;',
      replace: 'if (!isInitial(checkpoint)) return true;',
    },
    {
      name: 'begun-shards-wait',
      what: 'A shard that was begun waits for its parents again.',
      find: 'if (!isInitial(checkpoint) || root) return true;',
      replace: 'if (root) return true;',
    },
    {
      name: 'finished-is-readable',
      what: 'A shard that was read to its end may be read again.',
      find: "    if (checkpoint.kind === 'shard-end') return false;\n",
      replace: '',
    },
    {
      name: 'audit-puts-back-the-read',
      what: 'The audit puts back a row of which a descendant was begun.',
      find: 'if (lineage.rows.has(shard.shardId) || lineage.hasStartedDescendant(shard.shardId)) continue;',
      replace: 'if (lineage.rows.has(shard.shardId)) continue;',
    },
    {
      name: 'audit-creates-early',
      what: 'The audit creates a child before a parent was read to its end.',
      find: 'if (parents.some((parent) => lineage.isFinished(parent))) missing.push',
      replace: 'missing.push',
    },
    {
      name: 'audit-creates-nothing',
      what: 'The audit puts back no child of a shard that was read to its end.',
      find: 'if (parents.some((parent) => lineage.isFinished(parent))) missing.push',
      replace: 'if (parents.length < 0) missing.push',
    },
    {
      name: 'children-are-roots',
      what: 'The audit takes a child for a root.',
      find: "missing.push({ shard, start: 'trim-horizon' });",
      replace: "missing.push({ shard, start: 'initial-position' });",
    },
    {
      name: 'delete-while-listed',
      what: 'A finished row is deleted while the stream still lists its shard.',
      find: "checkpoint.kind === 'shard-end' && !listedIds.has(leaseKey));",
      replace: "checkpoint.kind === 'shard-end' && listedIds.size > 0);",
    },
    {
      name: 'delete-without-end',
      what: 'A row is deleted although its shard was not read to its end.',
      find: "checkpoint.kind === 'shard-end' && !listedIds.has(leaseKey));",
      replace: '!listedIds.has(leaseKey));',
    },
    {
      name: 'delete-while-listed-and-put-back',
      what: 'Finished rows are deleted at once, and put back by the next audit.',
      find: lines(
        "  return leases.filter(({ leaseKey, checkpoint }) => checkpoint.kind === 'shard-end' && !listedIds.has(leaseKey));",
      ),
      replace: lines(
        '  const parents = new Set(leases.flatMap(({ parentShardIds }) => parentShardIds));',
        "  return leases.filter(({ leaseKey, checkpoint }) => checkpoint.kind === 'shard-end' && (parents.has(leaseKey) || !listedIds.has(leaseKey)));",
      ),
    },
  ]),
  ...plantsIn('shard-discovery/src/shard-sync.ts', [
    {
      name: 'put-back-by-one-listing',
      what: 'What is put back is not compared with a listing made after the rows were read.',
      find: 'selectStillMissing(missing, newer, leases)',
      replace: 'missing',
    },
    {
      name: 'healed-from-zero',
      what: 'A row that is put back counts from 0, and late writes of an earlier owner are accepted.',
      find: 'leaseCounter: Math.max(Math.floor(clock.wallTime()), this.#highestCounter + counterMargin),',
      replace: 'leaseCounter: 0,',
    },
    {
      name: 'healed-by-own-clock',
      what: 'A row that is put back counts from the clock of whoever does it, whatever was there before.',
      find: 'leaseCounter: Math.max(Math.floor(clock.wallTime()), this.#highestCounter + counterMargin),',
      replace: 'leaseCounter: Math.floor(clock.wallTime()),',
    },
    {
      name: 'audit-during-a-fill',
      what: 'An audit puts back the rows that another worker is about to create.',
      find: '    if (missing.length > 0 && (await firstStart.isUnderWay(signal))) return false;\n',
      replace: '',
    },
    {
      name: 'healed-unmarked',
      what: 'A row that is put back is not marked as healed.',
      find: 'healed: healing !== undefined,',
      replace: 'healed: false,',
    },
    {
      name: 'healed-for-its-own-time',
      what: 'A row that is put back does not say for how long whoever held it may count on it.',
      find: 'failoverTimeMs: Math.max(0, ...failoverTimesMs),',
      replace: 'failoverTimeMs: 0,',
    },
    {
      name: 'rows-before-shards',
      what: 'The rows are read before the shards are listed.',
      find: lines(
        '      const stream = await this.#listShards(signal);',
        '      beforeRows?.();',
        '      const table = await this.#listLeases(signal);',
        '      // With another',
      ),
      replace: lines(
        '      beforeRows?.();',
        '      const table = await this.#listLeases(signal);',
        '      const stream = await this.#listShards(signal);',
        '      // With another',
      ),
    },
    {
      name: 'only-what-is-in-scope',
      what: 'Only the shards in scope are listed, and not the whole stream.',
      find: "const listed = await lister.list({ kind: 'trim-horizon' }, signal);",
      replace: 'const listed = await lister.list(this.#position, signal);',
    },
    {
      name: 'everything-is-in-scope',
      what: "All shards are in scope, also those that end before the application's start.",
      find: "this.#position.kind === 'trim-horizon' ? listed : await lister.list(this.#position, signal);",
      replace: 'listed;',
    },
    {
      name: 'old-listings-win',
      what: 'An older listing that answers late replaces a newer one.',
      find: 'if (number > this.#streamNumber) {',
      replace: 'if (number > 0) {',
    },
    {
      name: 'no-listing-wanted',
      what: 'Nobody asks for a listing when a row waits for one.',
      find: '      this.#auditSoon.abort();\n',
      replace: '',
    },
    {
      name: 'start-over-rows',
      what: 'A start creates what is missing as its own although other rows are there and nobody fills the table.',
      find: 'if (!isEmpty && !(await firstStart.isUnderWay(signal))) return true;',
      replace: '',
    },
    {
      name: 'fill-unannounced',
      what: 'Who fills an empty table does not say so.',
      find: '      await retryPassing({ ...this.options, signal }, () => firstStart.begin());\n',
      replace: '',
    },
    {
      name: 'fill-without-end',
      what: 'Who has filled the table goes on saying that it does.',
      find: '      await firstStart.end();\n',
      replace: '',
    },
    {
      name: 'each-its-own-moment',
      what: 'Each worker has its own moment of LATEST, whatever the rows say.',
      find: 'if (timestampMs === this.#position.timestampMs) return false;',
      replace: 'if (timestampMs > 0) return false;',
    },
    {
      name: 'children-at-the-initial-position',
      what: "Children begin at the application's position instead of at their beginning.",
      find: "checkpoint: start === 'trim-horizon' ? TRIM_HORIZON : sentinel,",
      replace: "checkpoint: start === 'trim-horizon' ? sentinel : sentinel,",
    },
    {
      name: 'first-child-only',
      what: 'Only one of the children of a shard gets a row at its end.',
      find: 'const missing = children.map((shard) =>',
      replace: 'const missing = children.slice(0, 1).map((shard) =>',
    },
  ]),
  ...plantsIn('shard-discovery/src/shard-lineage.ts', [
    {
      name: 'started-children-prove-nothing',
      what: 'A shard without a row counts as unread although a descendant was begun.',
      find: 'return row === undefined ? this.hasStartedDescendant(shardId) : row',
      replace: 'return row === undefined ? false : row',
    },
  ]),
  ...plantsIn('lease-coordinator/src/lease-item.ts', [
    {
      name: 'orphaned-children',
      what: "A child's row does not name its parents.",
      find: '  if (seed.parentShardIds.length > 0) item',
      replace: '  if (seed.parentShardIds.length < 0) item',
    },
  ]),
  ...plantsIn('shard-discovery/src/application-position.ts', [
    {
      name: 'latest-without-margin',
      what: 'LATEST is not fixed with a margin before the time that the service says.',
      find: 'export const latestMarginMs = 2_000;',
      replace: 'export const latestMarginMs = -5_000;',
    },
    {
      name: 'latest-is-now',
      what: 'LATEST is the moment of each start, whatever the rows say.',
      find: 'if (moments.length > 0) {',
      replace: 'if (moments.length < 0) {',
    },
  ]),
];
