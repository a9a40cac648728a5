import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@millrace/core';
import type { LeaseOptions } from '@millrace/lease-coordinator';
import { startLocalAws, type LocalAws } from '@millrace/local';
import { until } from '../support/world';
import { violations } from './check-ledger';
import { LeaseLog } from './lease-log';
import type { Ledger, LeaseRow, ProcessorEvent, PutRecord } from './ledger';
import { WorkerChild } from './worker-child';

const tableName = 'chaos';
const streamName = 'flights';
const shardCount = 6;
const names = ['a', 'b', 'c'];

/** Between two puts; a third as long as between two reads. */
const putIntervalMs = 70;
/** Ends a wait that is in vain a little before jest would, and says for what. */
const hangMs = 80_000;

/**
 * Kills those whose ids it was told, once its input ends without "done": also workers that are stopped or blocked, if this
 * process dies so suddenly that it can't.
 */
const guardScript =
  'trap "" INT TERM HUP; while read -r line; do [ "$line" = done ] && exit 0; pids="$pids $line"; done; kill -KILL $pids';

interface FleetParts {
  readonly aws: LocalAws;
  readonly log: LeaseLog;
  readonly directory: string;
  readonly guard: ChildProcess;
  readonly workers: readonly WorkerChild[];
  readonly failoverTimeMs: number;
}

/** Three worker processes on an embedded AWS in this one, a stream of six shards into which records flow all the time. */
export class Fleet {
  readonly aws: LocalAws;
  readonly failoverTimeMs: number;
  readonly #parts: FleetParts;
  readonly #puts: PutRecord[] = [];
  readonly #killed: string[] = [];
  /** Those that may end. */
  readonly #leaving = new Set<WorkerChild>();
  readonly #flow = new AbortController();
  readonly #flowing: Promise<void>;

  private constructor(parts: FleetParts) {
    this.#parts = parts;
    this.aws = parts.aws;
    this.failoverTimeMs = parts.failoverTimeMs;
    this.#flowing = this.#putUntilStopped();
  }

  /** Resolves once the load is even and every shard is being read. */
  static async start(leases: LeaseOptions & { readonly failoverTimeMs: number }): Promise<Fleet> {
    const aws = await startLocalAws({ streams: [{ name: streamName, shardCount }] });
    const { kinesisEndpoint, dynamodbEndpoint } = aws;
    const directory = mkdtempSync(join(tmpdir(), 'millrace-chaos-'));
    const workers = names.map((name) => {
      const ledgerFile = join(directory, `${name}.jsonl`);
      return new WorkerChild({ name, ledgerFile, kinesisEndpoint, dynamodbEndpoint, leases });
    });
    const guard = spawn('/bin/sh', ['-c', guardScript], { stdio: ['pipe', 'ignore', 'ignore'] });
    guard.stdin.write(workers.map(({ pid }) => `${pid}\n`).join(''));
    const log = new LeaseLog(aws.dynamodb, tableName);
    const fleet = new Fleet({ aws, log, directory, guard, workers, failoverTimeMs: leases.failoverTimeMs });
    try {
      const share = shardCount / names.length;
      await fleet.until(() => names.every((name) => fleet.shardsReadBy(name).length === share), 'an even load');
    } catch (error) {
      await fleet.close();
      throw error;
    }
    return fleet;
  }

  worker(name: string): WorkerChild {
    const found = this.#parts.workers.find((worker) => worker.name === name);
    if (found === undefined) throw new Error(`there is no worker ${name}`);
    return found;
  }

  /** The lease rows as they are now, by shard. What was returned does not change any more. */
  get rows(): ReadonlyMap<string, LeaseRow> {
    return this.#parts.log.rows;
  }

  /** The shards whose lease the worker has, by the table, and of which it has begun a batch under that lease. */
  shardsReadBy(name: string): readonly string[] {
    const events = this.worker(name).events();
    return [...this.rows].flatMap(([shardId, { owner }]) => {
      const token = events.findLast((event) => event.kind === 'taken' && event.shardId === shardId)?.token;
      const isRead = events.some(
        (event) => event.kind === 'begin' && event.shardId === shardId && event.token === token,
      );
      return owner === name && isRead ? [shardId] : [];
    });
  }

  /** Waits until the worker has said one of these, about that shard, since it had said `after` things. */
  async said(
    name: string,
    kinds: ProcessorEvent['kind'] | readonly ProcessorEvent['kind'][],
    { shardId, after = 0 }: { readonly shardId?: string; readonly after?: number } = {},
  ): Promise<ProcessorEvent> {
    let found: ProcessorEvent | undefined;
    await this.until(
      () => {
        found = this.worker(name)
          .events()
          .slice(after)
          .find((event) => [kinds].flat().includes(event.kind) && (shardId === undefined || event.shardId === shardId));
        return found !== undefined;
      },
      `${name} to say ${[kinds].flat().join(' or ')} of ${shardId ?? 'any shard'}`,
    );
    return found as unknown as ProcessorEvent;
  }

  /** Waits until the worker has no other leases than these. */
  async keepsOnly(name: string, shardIds: readonly string[]): Promise<void> {
    const kept = (): readonly string[] =>
      [...this.rows].flatMap(([shardId, { owner }]) => (owner === name ? [shardId] : []));
    await this.until(
      () => kept().join() === shardIds.join(),
      () => `${name} to keep ${shardIds.join()} only, and not ${kept().join()}`,
    );
  }

  /** Waits until others than this worker read all of these shards. */
  async areReadByOthers(name: string, shardIds: readonly string[]): Promise<void> {
    const others = names.filter((other) => other !== name && this.worker(other).exit === undefined);
    await this.until(
      () => {
        const read = new Set(others.flatMap((other) => this.shardsReadBy(other)));
        return shardIds.every((shardId) => read.has(shardId));
      },
      `others than ${name} to read ${shardIds.join(', ')}`,
    );
  }

  /** Waits until the checkpoints of all of these shards are others than now. */
  async storeMore(shardIds: readonly string[]): Promise<void> {
    const before = this.rows;
    await this.until(
      () => shardIds.every((shardId) => this.rows.get(shardId)?.checkpoint !== before.get(shardId)?.checkpoint),
      `new checkpoints of ${shardIds.join(', ')}`,
    );
  }

  /** Waits until the worker reads something under a lease that it has taken since it had said `after` things. */
  async hasRejoined(name: string, after: number): Promise<void> {
    const { shardId } = await this.said(name, 'taken', { after });
    await this.until(() => this.shardsReadBy(name).length > 0, `${name} to read again, ${shardId} for instance`);
  }

  async kill(name: string): Promise<void> {
    const worker = this.worker(name);
    this.#leaving.add(worker);
    this.#killed.push(name);
    worker.kill('SIGKILL');
    await worker.closed;
  }

  /** SIGTERM; does not wait for the end. */
  terminate(name: string): void {
    const worker = this.worker(name);
    this.#leaving.add(worker);
    worker.kill('SIGTERM');
  }

  async hasEnded(name: string): Promise<WorkerChild['exit']> {
    const worker = this.worker(name);
    await this.until(() => worker.exit !== undefined, `the end of ${name}`);
    return worker.exit;
  }

  /**
   * Stops the flow, waits until all that was put has been delivered, and stops the workers that are left, cleanly.
   * Returns what happened, and what of that the guarantees forbid.
   */
  async finish(): Promise<{ readonly ledger: Ledger; readonly wrong: readonly string[] }> {
    this.#flow.abort();
    await this.#flowing;
    await this.until(
      () => this.#undelivered() === 0,
      () => `the last ${this.#undelivered()} of ${this.#puts.length} records`,
    );
    const left = this.#parts.workers.filter((worker) => !this.#leaving.has(worker));
    for (const { name } of left) this.terminate(name);
    for (const { name } of left) {
      const exit = await this.hasEnded(name);
      if (exit?.code !== 0) throw new Error(`${name} ended with ${JSON.stringify(exit)}\n${this.#stderr()}`);
    }
    const ledger = {
      failoverTimeMs: this.failoverTimeMs,
      puts: this.#puts,
      events: this.#events(),
      writes: this.#parts.log.writes,
      killed: this.#killed,
    };
    return { ledger, wrong: violations(ledger) };
  }

  /** Leaves nothing behind, however the test has ended. */
  async close(): Promise<void> {
    const { workers, guard, directory } = this.#parts;
    this.#flow.abort();
    for (const worker of workers) {
      this.#leaving.add(worker);
      if (worker.exit === undefined) worker.kill('SIGKILL');
    }
    await Promise.all(workers.map(({ closed }) => closed));
    guard.stdin?.end('done\n');
    await this.#flowing;
    for (const worker of workers) worker.close();
    await this.aws.close();
    rmSync(directory, { recursive: true, force: true });
  }

  /** Waits for a condition; not in vain if a worker ends that should not have. */
  async until(condition: () => boolean, what: string | (() => string)): Promise<void> {
    const describe = (): string => `${typeof what === 'string' ? what : what()}\n${this.#stderr()}`;
    await until(
      () => {
        const ended = this.#parts.workers.find((worker) => worker.exit !== undefined && !this.#leaving.has(worker));
        if (ended === undefined) return condition();
        throw new Error(`${ended.name} ended with ${JSON.stringify(ended.exit)}\n${this.#stderr()}`);
      },
      describe,
      hangMs,
    );
  }

  async #putUntilStopped(): Promise<void> {
    const { Shards } = this.aws.kinesis.handle('ListShards', { StreamName: streamName });
    for (let number = 1; !this.#flow.signal.aborted; number++) {
      const Records = Shards.map(({ HashKeyRange }) => ({
        Data: Buffer.from(String(number)).toString('base64'),
        PartitionKey: 'key',
        ExplicitHashKey: HashKeyRange.StartingHashKey,
      }));
      const answer = this.aws.kinesis.handle('PutRecords', { StreamName: streamName, Records });
      for (const record of answer.Records) {
        if (!('SequenceNumber' in record)) throw new Error('a put was throttled: put less');
        this.#puts.push({ shardId: record.ShardId, number, sequenceNumber: record.SequenceNumber });
      }
      await systemClock.sleep(putIntervalMs, this.#flow.signal).catch(() => undefined);
    }
  }

  #events(): readonly ProcessorEvent[] {
    return this.#parts.workers.flatMap((worker) => worker.events());
  }

  #undelivered(): number {
    const delivered = new Set(
      this.#events().flatMap((event) =>
        event.kind === 'begin' ? event.numbers.map((number) => `${event.shardId} ${number}`) : [],
      ),
    );
    return this.#puts.filter(({ shardId, number }) => !delivered.has(`${shardId} ${number}`)).length;
  }

  #stderr(): string {
    return this.#parts.workers.map(({ name, stderr }) => `[${name}] ${stderr}`).join('\n');
  }
}
