import type { Bench } from './bench';
import { coordinationBench } from './coordination/coordination-bench';
import { localBench } from './local/local-bench';
import { processingBench } from './processing/processing-bench';
import { readingBench } from './reading/reading-bench';

/** All that there are, in the order in which they are listed. */
export const benches: readonly Bench[] = [localBench, coordinationBench, processingBench, readingBench];
