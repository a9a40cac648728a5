import { join } from 'node:path';
import type { AwsReady } from '../coordination/aws-server';
import { idleTimeOfManyShardsMs } from '../coordination/many-shards';
import { NumberedStream } from '../coordination/numbered-stream';
import { kinesisClient } from '../local/client';
import { ServerProcess } from '../server-process';
import type { ScenarioContext } from '../timed-scenario';
import { heapOf1Gb } from '../v8-heap';
import type { IdleMessage, IdleSettings } from './messages';
import { runChild } from './run-child';
import type { Measurement } from './scenario';

const shards = 1_000;
const streamName = 'idle';
const progressEvery = 250;

/**
 * How much memory a process has whose worker holds 1000 shards without records: resident, the most at any moment from when all have been
 * read once. The processes are new, and nothing is done to make them give memory back.
 */
export async function measureIdle(context: ScenarioContext): Promise<readonly Measurement[]> {
  const { runs, signal, progress } = context;
  const server = await ServerProcess.start({ path: join(__dirname, '..', 'coordination', 'aws-server.js') }, signal);
  try {
    const { endpoint, dynamodbEndpoint } = server.ready as AwsReady;
    const kinesis = kinesisClient('http1', endpoint);
    await NumberedStream.create(kinesis, streamName, shards, signal);
    kinesis.destroy();
    const measured = async (name: string, nodeArguments: readonly string[]): Promise<Measurement> => {
      const rssBytes: number[] = [];
      for (let run = 1; run <= runs; run++) {
        const access = { kinesisEndpoint: endpoint, dynamodbEndpoint, applicationName: `${name}-${run}` };
        const bytes = await rssOf(access, nodeArguments, context);
        rssBytes.push(bytes);
        progress(`${name}, run ${run}: ${(bytes / 1e6).toFixed(1)} MB`);
      }
      return { name, runs, samples: { rssBytes } };
    };
    return [await measured('idle-shards', []), await measured('idle-shards-1gb-heap', heapOf1Gb)];
  } finally {
    await server.stop();
  }
}

async function rssOf(
  access: Pick<IdleSettings, 'applicationName' | 'dynamodbEndpoint' | 'kinesisEndpoint'>,
  nodeArguments: readonly string[],
  { seconds, profileDirectory, signal, progress }: ScenarioContext,
): Promise<number> {
  const settings: IdleSettings = {
    ...{ ...access, streamName, shards },
    ...{ reader: 'direct', idleTimeBetweenReadsMs: idleTimeOfManyShardsMs, leases: undefined },
    ...{ warmUpMs: 0, measuredMs: seconds * 1_000 },
  };
  let toldShards = 0;
  const onMessage = (message: unknown): void => {
    const heard = message as IdleMessage;
    if (heard.kind !== 'opened' || heard.shards < toldShards + progressEvery) return;
    toldShards = heard.shards;
    progress(`${access.applicationName}: ${heard.shards} shards were read`);
  };
  const last = await runChild({
    script: 'idle-script.js',
    ...{ settings, onMessage, profileDirectory, nodeArguments, signal },
  });
  const measured = last as IdleMessage;
  if (measured.kind !== 'measured') throw new Error('the memory was not measured');
  return measured.rssBytes;
}
