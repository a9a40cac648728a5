import { parseArgs } from 'node:util';
import { CreateStreamCommand, KinesisClient, waitUntilStreamExists } from '@aws-sdk/client-kinesis';
import { readFlights, sliceIntoUnits } from '../demo/flights';
import { Producer, putRecordsTo } from '../demo/producer';
import { Replay } from '../demo/replay';

const usage = `usage: put-flights [--count 2000] [--seconds 20]

Puts flights into the stream STREAM_NAME (default: flights), and makes it, with 4 shards, if it is not there. The SDK's own
variables say where Kinesis is: AWS_REGION, AWS_ENDPOINT_URL_KINESIS.`;

/** Gives workers that were started by hand something to do. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { count: { type: 'string', default: '2000' }, seconds: { type: 'string', default: '20' } },
  });
  const [count, seconds] = [Number(values.count), Number(values.seconds)];
  if (!(count >= 1 && seconds >= 0)) throw new Error(usage);
  const { STREAM_NAME: streamName = 'flights' } = process.env;
  const kinesis = new KinesisClient();
  await ensureStream(kinesis, streamName);

  const flights = readFlights().slice(0, count);
  const replay = new Replay(sliceIntoUnits(flights, Math.ceil(flights.length / Math.max(1, 5 * seconds))));
  const producer = new Producer({ send: putRecordsTo(kinesis, streamName) });
  await replay.run(producer, seconds * 1000, new AbortController().signal);
  console.log(`${replay.produced} flights are in the stream ${streamName}`);
  kinesis.destroy();
}

async function ensureStream(kinesis: KinesisClient, streamName: string): Promise<void> {
  try {
    await kinesis.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: 4 }));
  } catch (error) {
    if ((error as Error).name !== 'ResourceInUseException') throw error;
  }
  await waitUntilStreamExists(
    { client: kinesis, maxWaitTime: 60, minDelay: 1, maxDelay: 2 },
    { StreamName: streamName },
  );
}

main().catch((error: unknown) => {
  console.error(`put-flights: ${error instanceof Error ? error.message || error.name : String(error)}`);
  process.exitCode = 1;
});
