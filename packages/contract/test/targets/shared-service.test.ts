import { Kinesis } from '@aws-sdk/client-kinesis';
import { expect, it } from '@jest/globals';
import { ManualClock } from '@millrace/core/testing';
import { startLocalAws } from '@millrace/local';
import { SharedService } from '../../src/targets/shared-service';

function clientOf(endpoint: string): Kinesis {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new Kinesis({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
}

/** A clock by which nobody waits: who sleeps moves the time. */
class HastyClock extends ManualClock {
  sleeps = 0;

  override async sleep(delayMs: number): Promise<void> {
    this.sleeps++;
    await this.advance(delayMs);
  }
}

it('tries again to delete what a lost connection kept, and what is still being made', async () => {
  const clock = new HastyClock();
  const streams = [{ name: 'contract-1', shardCount: 1 }];
  const aws = await startLocalAws({ streams, clock, streamTransitionMs: 2500 });
  const kinesis = clientOf(aws.kinesisEndpoint);
  try {
    aws.faults.add({ service: 'kinesis', operations: ['DeleteStream'], kind: 'lost-request', times: 2 });
    const service = new SharedService(() => clientOf(aws.kinesisEndpoint), clock);
    await kinesis.createStream({ StreamName: 'contract-2', ShardCount: 1 });
    await service.session().close(['contract-2', 'contract-1', 'contract-never-made']);
    // After each lost request, and once more as the stream is still being made.
    expect(clock.sleeps).toBe(3);
    await clock.advance(2500);
    expect(() => aws.kinesis.inspect('contract-1')).toThrow(/not found/);
    expect(() => aws.kinesis.inspect('contract-2')).toThrow(/not found/);
    expect(await service.close()).toEqual([]);
  } finally {
    kinesis.destroy();
    await aws.close();
  }
});

it('names what it could not delete in the end, and goes on with the others', async () => {
  const aws = await startLocalAws();
  await aws.close();
  const clock = new HastyClock();
  const service = new SharedService(() => clientOf(aws.kinesisEndpoint), clock);
  await service.session().close(['contract-1', 'contract-2']);
  expect(clock.sleeps).toBe(2 * 119);
  expect(await service.close()).toEqual(['contract-1', 'contract-2']);
});
