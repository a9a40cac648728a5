import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { systemClock } from '@millrace/core';

/** What its environment asks it to listen at; the worker puts a free port of loopback in the place of each. */
const plainPort = 4567;
const tlsPort = 4568;

/**
 * Runs in the worker. kinesis-local has no API and listens at all interfaces, so that `listen` is replaced underneath it. As
 * text, because a worker can't load TypeScript, and this package is tested on its sources.
 */
const workerSource = `
  const { Server } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const listen = Server.prototype.listen;
  Server.prototype.listen = function (asked, ...rest) {
    const callback = rest.find((one) => typeof one === 'function');
    return listen.call(this, 0, '127.0.0.1', () => {
      parentPort.postMessage({ asked, port: this.address().port });
      callback?.();
    });
  };
  require(workerData.main);
`;

/** Long enough to be seen between two calls, and short because only five streams can be CREATING at a time. */
const transition = '400ms';

const startTimeMs = 30_000;

/** Characters of what it says on stderr, for when it does not start. */
const maxLastWords = 2000;

export interface KinesisLocalWorker {
  /** Where it speaks HTTP/1.1 without TLS. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** Starts `kinesis-local` in a worker of this process, on loopback, on free ports. */
export async function startKinesisLocal(): Promise<KinesisLocalWorker> {
  const main = require.resolve('kinesis-local');
  const worker = new Worker(workerSource, {
    eval: true,
    workerData: { main },
    stdout: true,
    stderr: true,
    env: {
      KINESIS_MOCK_PLAIN_PORT: String(plainPort),
      KINESIS_MOCK_TLS_PORT: String(tlsPort),
      // Looked for in the working directory otherwise.
      KINESIS_MOCK_CERT_PATH: join(dirname(main), 'server.json'),
      CREATE_STREAM_DURATION: transition,
      DELETE_STREAM_DURATION: transition,
      SPLIT_SHARD_DURATION: transition,
      MERGE_SHARDS_DURATION: transition,
      UPDATE_SHARD_COUNT_DURATION: transition,
      UPDATE_STREAM_MODE_DURATION: transition,
      SHARD_LIMIT: '2000',
      LOG_LEVEL: 'ERROR',
    },
  });
  const started = new AbortController();
  try {
    const port = await Promise.race([plainPortOf(worker), tooLate(started.signal)]);
    return {
      endpoint: `http://127.0.0.1:${port}`,
      stop: async () => {
        await worker.terminate();
      },
    };
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    started.abort();
  }
}

function plainPortOf(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    let lastWords = '';
    worker.stderr.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-maxLastWords);
    });
    worker.on('error', reject);
    worker.on('exit', (code) => {
      reject(new Error(`kinesis-local has ended with exit code ${code} before it listened: ${lastWords.trim()}`));
    });
    worker.on('message', ({ asked, port }: { readonly asked: number; readonly port: number }) => {
      if (asked === plainPort) resolve(port);
    });
  });
}

async function tooLate(signal: AbortSignal): Promise<never> {
  await systemClock.sleep(startTimeMs, signal);
  throw new Error(`kinesis-local has not started after ${startTimeMs / 1000} s`);
}
