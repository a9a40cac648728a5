import { Kinesis } from '@aws-sdk/client-kinesis';
import { systemClock } from '@millrace/core';
import type { Need } from '../contract-case';
import type { Target } from '../target';
import { SharedService } from './shared-service';

export interface EndpointOptions {
  readonly endpoint: string;
  readonly region: string;
  /** What may be taken for granted there, beside an endpoint. */
  readonly offers: readonly Need[];
}

/** Any service, AWS above all, with the credentials that the SDK finds. One case at a time, so that rates are its own. */
export function endpointTarget({ endpoint, region, offers }: EndpointOptions): Target {
  const service = new SharedService(() => new Kinesis({ endpoint, region, maxAttempts: 1 }));
  return {
    name: endpoint,
    offers: new Set<Need>(['megabytes', 'states', 'volume', ...offers]),
    concurrency: 1,
    alone: new Set(),
    caseTimeMs: 15 * 60_000,
    open: async () => {
      const session = service.session();
      // Rates are per second; the case before may have used them up.
      await systemClock.sleep(1100);
      return session;
    },
    close: () => service.close(),
  };
}
