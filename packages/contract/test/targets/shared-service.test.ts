import { Kinesis } from '@aws-sdk/client-kinesis';
import { expect, it } from '@jest/globals';
import { ManualClock } from '@millrace/core/testing';
import { startLocalAws } from '@millrace/local';
import { SharedService } from '../../src/targets/shared-service';

function clientOf(endpoint: string): Kinesis {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new Kinesis({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
}

/** A clock by which nobody waits. */
class HastyClock extends ManualClock {
  sleeps = 0;

  override async sleep(): Promise<void> {
    this.sleeps++;
  }
}

it('tries again to delete what a lost connection kept, and what is still being made', async () => {
  const aws = await startLocalAws({ streams: [{ name: 'contract-1', shardCount: 1 }] });
  try {
    aws.faults.add({ service: 'kinesis', operations: ['DeleteStream'], kind: 'lost-request', times: 2 });
    const service = new SharedService(() => clientOf(aws.kinesisEndpoint), new HastyClock());
    await service.session().close(['contract-1', 'contract-never-made']);
    expect(() => aws.kinesis.inspect('contract-1')).toThrow(/not found/);
    expect(await service.close()).toEqual([]);
  } finally {
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
