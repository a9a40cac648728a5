import { plantsIn, type Plant } from './plant';

/* Who lives, what they tell each other, and which stream the table belongs to. */

export const registryPlants: readonly Plant[] = [
  ...plantsIn('lease-coordinator/src/worker-registration.ts', [
    {
      name: 'no-heartbeat',
      what: 'A worker shows no sign of life after its first.',
      find: "      this.#every(renewIntervalMs, signal, 'heartbeat', () => this.#beat()),\n",
      replace: '',
    },
    {
      name: 'no-mail',
      what: 'Nobody reads his mail.',
      find: "      this.#every(mailIntervalMs, signal, 'read-mail', () => this.#readMail()),\n",
      replace: '',
    },
    {
      name: 'mail-read-before-taken',
      what: 'Rows are read before the mail that names them is taken out of the box.',
      find: '    await store.takeMail(worker.workerId, leaseKeys);\n    onMail(leaseKeys);',
      replace: '    onMail(leaseKeys);\n    await store.takeMail(worker.workerId, leaseKeys);',
    },
    {
      name: 'stop-in-silence',
      what: 'A worker that stops does not say so.',
      find: '    this.#stopping = true;\n',
      replace: '',
    },
  ]),
  ...plantsIn('lease-coordinator/src/dynamodb-worker-store.ts', [
    {
      name: 'forget-the-living',
      what: 'The row of a worker is removed although it has moved since.',
      find: 'ConditionExpression: `${a.heartbeat} = :heartbeat`,',
      replace: 'ConditionExpression: `${a.heartbeat} = :heartbeat OR ${a.heartbeat} <> :heartbeat`,',
    },
    {
      name: 'mail-brings-back',
      what: 'Mail for a worker that is gone makes a row of its name.',
      find: 'ConditionExpression: `attribute_exists(${a.heartbeat})`,',
      replace: 'ConditionExpression: `attribute_exists(${a.heartbeat}) OR attribute_not_exists(${a.heartbeat})`,',
    },
  ]),
  ...plantsIn('lease-coordinator/src/foreign-lease.ts', [
    {
      name: 'stream-made-again',
      what: "Rows of another stream of the same name are taken for this one's.",
      find: 'if (foreign === undefined) return undefined;',
      replace: 'if (foreign === undefined || foreign.leaseKey.length > 0) return undefined;',
    },
  ]),
];
