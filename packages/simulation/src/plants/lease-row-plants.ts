import { plantsIn, type Plant } from './plant';

/* What is asked of a row before it is asked for, created or deleted, and what a checkpoint writes into it. */

const conditions: readonly Plant[] = plantsIn('lease-coordinator/src/lease-conditions.ts', [
  {
    name: 'request-any-owner',
    what: 'A request does not look who owns the lease by now, or whether anybody does.',
    find: '`${a.leaseOwner} = :owner AND attribute_not_exists',
    replace: '`attribute_not_exists',
  },
  {
    name: 'request-second',
    what: 'A request does not look whether another one is pending.',
    find: 'AND attribute_not_exists(${a.checkpointOwner}) AND',
    replace: 'AND',
  },
  {
    name: 'request-finished',
    what: 'A lease at shard end can be asked for.',
    find: 'AND ${a.checkpoint} <> :shardEnd`',
    replace: 'AND (${a.checkpoint} <> :shardEnd OR ${a.checkpoint} = :shardEnd)`',
  },
  {
    name: 'residue-counts',
    what: 'What the theft of a KCL worker leaves in a row is taken for a request.',
    find: '`(attribute_exists(${a.checkpointOwner}) AND ${a.receiver} = ${a.leaseOwner})`',
    replace: '`attribute_exists(${a.checkpointOwner})`',
  },
]);

const marks: readonly Plant[] = plantsIn('lease-coordinator/src/lease-item.ts', [
  {
    name: 'handed-over-to-anybody',
    what: 'A lease counts as handed over whoever owns it by now, also if a KCL worker has taken it since.',
    find: 'return to !== undefined && to === effectiveOwner(owners);',
    replace: 'return to !== undefined && owners.leaseOwner !== undefined;',
  },
]);

const rows: readonly Plant[] = plantsIn('lease-coordinator/src/dynamodb-lease-store.ts', [
  {
    name: 'create-over',
    what: 'A row is created over one that is there.',
    find: 'ConditionExpression: condition.rowAbsent,',
    replace:
      'ConditionExpression: `attribute_not_exists(${attribute.leaseKey}) OR attribute_exists(${attribute.leaseKey})`,',
  },
  {
    name: 'delete-any-counter',
    what: 'A finished row is deleted although somebody has written to it since.',
    find: 'condition.allOf(condition.counterAsObserved, condition.atShardEnd)',
    replace: `condition.allOf(\`\${attribute.leaseCounter} = :counter OR \${attribute.leaseCounter} <> :counter\`, condition.atShardEnd)`,
  },
  {
    name: 'delete-unfinished',
    what: 'A row is deleted that is not at shard end.',
    find: 'condition.allOf(condition.counterAsObserved, condition.atShardEnd)',
    replace:
      'condition.allOf(condition.counterAsObserved, `${attribute.checkpoint} = :shardEnd OR ${attribute.checkpoint} <> :shardEnd`)',
  },
]);

const positions: readonly Plant[] = plantsIn('lease-coordinator/src/lease-updates.ts', [
  {
    name: 'checkpoint-forgets',
    what: 'A checkpoint stores the beginning of the shard.',
    find: 'const words = formatCheckpoint(checkpoint);',
    replace: "const words = formatCheckpoint(checkpoint.kind === 'shard-end' ? checkpoint : { kind: 'trim-horizon' });",
  },
  {
    name: 'checkpoint-is-shard-end',
    what: 'Every checkpoint is shard end.',
    find: 'const words = formatCheckpoint(checkpoint);',
    replace: 'const words = formatCheckpoint(SHARD_END);',
  },
]);

export const leaseRowPlants: readonly Plant[] = [...conditions, ...marks, ...rows, ...positions];
