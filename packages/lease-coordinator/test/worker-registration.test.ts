import { ManualClock, RecordingLogger, settle } from '@millrace/core/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { resolveLeaseOptions, type WorkerStore } from '../src';
import { LeaseReporter } from '../src/lease-reporter';
import { InMemoryLeaseTable } from '../src/testing';
import { WorkerRegistration } from '../src/worker-registration';
import { throttle } from './held-lease-harness';
import { aWorker } from './worker-rows';

const options = resolveLeaseOptions({}, []);
const { renewIntervalMs, mailIntervalMs } = options;

/** The registration of worker `me`; its calls are noted, and fail when told to. */
class Subject {
  readonly clock = new ManualClock();
  readonly table = new InMemoryLeaseTable();
  readonly logger = new RecordingLogger();
  readonly calls: { readonly name: keyof WorkerStore; readonly leaseKeys: readonly string[] }[] = [];
  readonly mail: (readonly string[])[] = [];
  readonly stop = new AbortController();
  readonly registration: WorkerRegistration;
  failing: (name: keyof WorkerStore) => boolean = () => false;
  leasesHeld = 0;
  isFilling = false;
  /** Called with every letter, before it is noted. */
  onMail: () => void = () => undefined;
  running: Promise<void> = Promise.resolve();

  constructor() {
    this.registration = new WorkerRegistration({
      store: this.#store(this.table.registry()),
      worker: aWorker('me'),
      options,
      clock: this.clock,
      reporter: new LeaseReporter(this.clock, this.logger, {}),
      leasesHeld: () => this.leasesHeld,
      isFilling: () => this.isFilling,
      onMail: (leaseKeys) => {
        this.onMail();
        this.mail.push(leaseKeys);
      },
    });
  }

  /** Another worker's way to the same table. */
  get others(): WorkerStore {
    return this.table.registry();
  }

  run(): void {
    this.running = this.registration.run(this.stop.signal);
  }

  count(name: keyof WorkerStore): number {
    return this.calls.filter((call) => call.name === name).length;
  }

  #store(registry: WorkerStore): WorkerStore {
    const noted = async <T>(
      name: keyof WorkerStore,
      leaseKeys: readonly string[],
      call: () => Promise<T>,
    ): Promise<T> => {
      this.calls.push({ name, leaseKeys });
      if (this.failing(name)) throw throttle();
      return call();
    };
    return {
      heartbeat: (worker, state) => noted('heartbeat', [], () => registry.heartbeat(worker, state)),
      readMail: (id) => noted('readMail', [], () => registry.readMail(id)),
      takeMail: (id, keys) => noted('takeMail', keys, () => registry.takeMail(id, keys)),
      sendMail: (id, keys) => noted('sendMail', keys, () => registry.sendMail(id, keys)),
      deregister: (id) => noted('deregister', [], () => registry.deregister(id)),
      removeWorker: (row) => noted('removeWorker', [], () => registry.removeWorker(row)),
    };
  }
}

describe('WorkerRegistration', () => {
  let subject: Subject;

  beforeEach(() => {
    subject = new Subject();
  });

  afterEach(async () => {
    subject.stop.abort();
    await subject.running;
  });

  it('makes the worker known, and shows that it lives at every renewal interval', async () => {
    await subject.registration.register();
    expect(subject.table.workers()).toMatchObject([{ workerId: 'me', heartbeat: 1, stopping: false }]);
    subject.run();
    subject.leasesHeld = 3;
    await subject.clock.advance(10 * renewIntervalMs);
    expect(subject.table.workers()).toMatchObject([{ heartbeat: 11, leasesHeld: 3 }]);
  });

  it('rejects when the worker cannot be made known, and can be asked again', async () => {
    subject.failing = () => true;
    await expect(subject.registration.register()).rejects.toThrow('slow down');
    subject.failing = () => false;
    await subject.registration.register();
    expect(subject.table.workers()).toHaveLength(1);
  });

  it('looks into the mailbox at every mail interval', async () => {
    await subject.registration.register();
    subject.run();
    await subject.clock.advance(10 * mailIntervalMs);
    expect(subject.count('readMail')).toBe(10);
    await subject.others.sendMail('me', ['s-1', 's-2']);
    await subject.clock.advance(mailIntervalMs);
    expect(subject.mail).toEqual([['s-1', 's-2']]);
    await subject.clock.advance(5 * mailIntervalMs);
    expect(subject.mail).toHaveLength(1);
  });

  it('finds mail with a sign of life too', async () => {
    await subject.registration.register();
    await subject.others.sendMail('me', ['s-1']);
    await subject.registration.register();
    expect(subject.mail).toEqual([['s-1']]);
  });

  it('takes mail out of the box before the rows are read, so that what comes later is announced again', async () => {
    await subject.registration.register();
    subject.run();
    await subject.others.sendMail('me', ['s-1']);
    let inTheBox: readonly string[] | undefined;
    subject.onMail = () => {
      void subject.others.readMail('me').then((names) => (inTheBox ??= names));
      // The row changes once more while it is being read.
      void subject.others.sendMail('me', ['s-1']);
      subject.onMail = () => undefined;
    };
    await subject.clock.advance(mailIntervalMs);
    expect(inTheBox).toEqual([]);
    await subject.clock.advance(mailIntervalMs);
    expect(subject.mail).toEqual([['s-1'], ['s-1']]);
  });

  it('does not act on mail that it could not take out, and finds it again', async () => {
    await subject.registration.register();
    subject.run();
    subject.failing = (name) => name === 'takeMail';
    await subject.others.sendMail('me', ['s-1']);
    await subject.clock.advance(3 * mailIntervalMs);
    expect(subject.mail).toEqual([]);
    subject.failing = () => false;
    await subject.clock.advance(mailIntervalMs);
    expect(subject.mail).toEqual([['s-1']]);
  });

  it('collects for a moment what it has to tell, and tells each worker once', async () => {
    await subject.others.heartbeat(aWorker('a'), { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 0 });
    await subject.others.heartbeat(aWorker('b'), { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 0 });
    for (const leaseKey of ['s-1', 's-2', 's-1']) subject.registration.notify('a', leaseKey);
    subject.registration.notify('b', 's-3');
    await settle();
    expect(subject.count('sendMail')).toBe(0);
    await subject.clock.advance(20);
    expect(subject.calls.filter(({ name }) => name === 'sendMail').map(({ leaseKeys }) => leaseKeys)).toEqual([
      ['s-1', 's-2'],
      ['s-3'],
    ]);
    expect(await subject.others.readMail('a')).toEqual(['s-1', 's-2']);
  });

  it('does not bring its row back once it was removed', async () => {
    await subject.registration.register();
    const removed = subject.registration.deregister();
    await subject.registration.register();
    await removed;
    expect(subject.table.workers()).toEqual([]);
  });

  it('tells no more until the others look again', async () => {
    await subject.others.heartbeat(aWorker('a'), { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 0 });
    subject.registration.notify('a', 's-1');
    await subject.clock.advance(20);
    for (const leaseKey of ['s-2', 's-3', 's-4']) {
      subject.registration.notify('a', leaseKey);
      await subject.clock.advance(50);
    }
    expect(subject.calls.filter(({ name }) => name === 'sendMail')).toHaveLength(1);
    await subject.clock.advance(mailIntervalMs - 150);
    expect(subject.calls.filter(({ name }) => name === 'sendMail')).toHaveLength(2);
    expect(await subject.others.readMail('a')).toEqual(['s-1', 's-2', 's-3', 's-4']);
  });

  it('sends no more than five hundred names at once', async () => {
    for (let index = 0; index < 1_001; index++) subject.registration.notify('a', `s-${String(index)}`);
    await subject.clock.advance(20);
    const letters = subject.calls.filter(({ name }) => name === 'sendMail').map(({ leaseKeys }) => leaseKeys);
    expect(letters.map(({ length }) => length)).toEqual([500, 500, 1]);
    expect(new Set(letters.flat()).size).toBe(1_001);
  });

  it('sends at a flush what is still to be sent, and waits for it', async () => {
    await subject.others.heartbeat(aWorker('a'), { leasesHeld: 0, stopping: false, filling: false, wallTimeMs: 0 });
    subject.registration.notify('a', 's-1');
    let flushed = false;
    const flushing = subject.registration.flush().then(() => (flushed = true));
    await settle();
    expect(flushed).toBe(false);
    await subject.clock.advance(20);
    await flushing;
    expect(await subject.others.readMail('a')).toEqual(['s-1']);
    await subject.registration.flush();
  });

  it('survives failures of every call, says so, and goes on', async () => {
    await subject.registration.register();
    subject.run();
    subject.failing = () => true;
    subject.registration.notify('a', 's-1');
    await subject.registration.announceStop();
    await subject.clock.advance(3 * renewIntervalMs);
    await subject.registration.flush();
    expect(subject.logger.lines.some(({ level }) => level === 'warn')).toBe(true);
    expect(subject.logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
    subject.failing = () => false;
    await subject.clock.advance(renewIntervalMs);
    expect(subject.table.workers()).toMatchObject([{ heartbeat: 2 }]);
    subject.failing = () => true;
    await subject.registration.deregister();
  });

  it('says that the worker stops, and goes on saying so as long as it lives', async () => {
    await subject.registration.register();
    subject.run();
    await subject.registration.announceStop();
    expect(subject.table.workers()).toMatchObject([{ stopping: true }]);
    await subject.clock.advance(2 * renewIntervalMs);
    expect(subject.table.workers()).toMatchObject([{ stopping: true, heartbeat: 4 }]);
  });

  it('ends with the signal, and writes nothing after it', async () => {
    await subject.registration.register();
    subject.run();
    subject.stop.abort();
    await subject.running;
    await subject.registration.deregister();
    await subject.clock.advance(10 * renewIntervalMs);
    expect(subject.table.workers()).toEqual([]);
    expect(subject.count('heartbeat')).toBe(1);
  });
});
