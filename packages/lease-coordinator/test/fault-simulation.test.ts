import { describe, expect, it } from '@jest/globals';
import { FaultSimulation } from './fault-simulation';

/** `MILLRACE_SEEDS=1000-2000` runs others than those of every day. */
const [first, last] = (process.env['MILLRACE_SEEDS'] ?? '1-200').split('-').map(Number);

describe('a fleet under lost replies, throttles, delays, pauses, suspensions, crashes and stops', () => {
  it('never has two deliver one shard or a checkpoint go back, and recovers when the faults stop', async () => {
    let deliveries = 0;
    let stored = 0;
    for (let seed = first!; seed <= last!; seed++) {
      const simulation = new FaultSimulation(seed);
      try {
        await simulation.run();
      } catch (error) {
        throw new Error(`seed ${String(seed)}: ${(error as Error).message}`, { cause: error });
      }
      deliveries += simulation.deliveries;
      stored += simulation.stored;
    }
    // Or the faults have left nothing to be wrong.
    expect(deliveries / (last! - first! + 1)).toBeGreaterThan(100);
    expect(stored).toBeGreaterThan(deliveries / 10);
  }, 600_000);
});
