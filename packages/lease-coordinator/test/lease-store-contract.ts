import { beforeEach, describe } from '@jest/globals';
import { describeAcquiring } from './lease-store-acquiring-contract';
import { describeGivingUp } from './lease-store-giving-up-contract';
import { describeHolding } from './lease-store-holding-contract';
import { describeReading } from './lease-store-reading-contract';
import { type LeaseStoreHarness, LeaseStoreSubject } from './lease-store-subject';

/** What every lease store has to do, whatever keeps its rows. Each condition of a write has a case that needs it. */
export function describeLeaseStore(name: string, factory: () => Promise<LeaseStoreHarness>): void {
  describe(name, () => {
    const subject = new LeaseStoreSubject();

    beforeEach(async () => {
      subject.harness = await factory();
    });

    describeReading(subject);
    describeAcquiring(subject);
    describeHolding(subject);
    describeGivingUp(subject);
  });
}
