// One worker of the chaos suite, in a process of its own, on the built package. It writes down all that happens to its
// processors, each line before it goes on, so that a kill loses nothing. By order of its parent it comes to a halt inside a
// call, or just when records have arrived: then no timer can run before they are due to be delivered. It checkpoints after
// every second call, so that there is always something to lose.
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { openSync, writeSync } from 'node:fs';
import { hrtime } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopOnSignals, Worker } from 'millrace';

const { name, ledgerFile, kinesisEndpoint, dynamodbEndpoint, leases } = JSON.parse(process.argv[2]);
const file = openSync(ledgerFile, 'a');
const credentials = { accessKeyId: name, secretAccessKey: 'test' };
const nowMs = () => Number(hrtime.bigint()) / 1e6;

/** What the next call for a shard, and the next read, is to do. */
const forCalls = new Map();
let forRead;
let goOn = () => undefined;
let mayCheckpoint = true;

process.on('message', (order) => {
  if (order.kind === 'hold' || order.kind === 'block') forCalls.set(order.shardId, order);
  else if (order.kind === 'block after a read' || order.kind === 'freeze after a read') forRead = order;
  else if (order.kind === 'go on') goOn();
  else mayCheckpoint = order.kind === 'checkpoint';
});
process.once('disconnect', () => process.exit(1));
// The channel must not keep a worker alive that is done.
process.channel.unref();

function say({ shardId, fencingToken }, fact) {
  writeSync(file, `${JSON.stringify({ ...fact, worker: name, shardId, token: fencingToken, atMs: nowMs() })}\n`);
}

function block(forMs) {
  const endMs = nowMs() + forMs;
  while (nowMs() < endMs);
}

async function obeyInCall({ kind, forMs }, lease) {
  if (kind === 'block') {
    say(lease, { kind: 'blocking' });
    block(forMs);
    return;
  }
  const released = new Promise((resolve) => (goOn = resolve));
  say(lease, { kind: 'holding' });
  await released;
}

/** Between the answer and its delivery nothing but promises: what is asked there is asked with the clock as it is. */
const haltAfterRead = (next) => async (input) => {
  const answer = await next(input);
  if (forRead !== undefined && answer.output.Records?.length > 0) {
    const { kind, forMs } = forRead;
    forRead = undefined;
    say({}, { kind: 'blocking' });
    if (kind === 'block after a read') block(forMs);
    else process.kill(process.pid, 'SIGSTOP');
  }
  return answer;
};

async function checkpoint(checkpointer, lease, upTo) {
  say(lease, { kind: 'asked', upTo });
  for (;;) {
    try {
      await checkpointer.checkpoint();
      say(lease, { kind: 'stored', upTo });
      return;
    } catch (error) {
      if (error.code === 'CHECKPOINT_NOT_STORED') {
        await sleep(20);
        continue;
      }
      if (error.code !== 'LEASE_LOST') throw error;
      say(lease, { kind: 'refused', upTo, stored: error.stored });
      return;
    }
  }
}

function processorFactory() {
  let calls = 0;
  let last;
  return {
    async processRecords({ records, checkpointer, lease }) {
      const numbers = records.map(({ data }) => Number(new TextDecoder().decode(data)));
      say(lease, { kind: 'begin', numbers });
      const order = forCalls.get(lease.shardId);
      forCalls.delete(lease.shardId);
      if (order !== undefined) await obeyInCall(order, lease);
      last = numbers.at(-1);
      calls++;
      if (order !== undefined || (mayCheckpoint && calls % 2 === 0)) await checkpoint(checkpointer, lease, last);
      say(lease, { kind: 'end' });
    },
    async shutdownRequested({ checkpointer, lease }) {
      if (last !== undefined) await checkpoint(checkpointer, lease, last);
    },
    leaseLost({ lease }) {
      say(lease, { kind: 'lost' });
    },
  };
}

const kinesis = new KinesisClient({ region: 'us-east-1', credentials, endpoint: kinesisEndpoint });
kinesis.middlewareStack.add(haltAfterRead, { step: 'initialize', name: 'haltAfterRead' });
const worker = new Worker({
  applicationName: 'chaos',
  streamName: 'flights',
  workerId: name,
  kinesis,
  dynamodb: { region: 'us-east-1', credentials, endpoint: dynamodbEndpoint },
  leases,
  fetch: { idleTimeBetweenReadsMs: 200 },
  processorFactory,
});
worker.on('leaseTaken', (lease) => say(lease, { kind: 'taken' }));
stopOnSignals(worker);
await worker.run();
