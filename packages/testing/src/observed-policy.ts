import type { WorkerOptions } from 'millrace';
import type { Observation } from './observed-processor';

type Policy = NonNullable<WorkerOptions['failurePolicy']>;

/** The user's policy, with each dead letter that is confirmed written down. The sink is code of the user's as a processor is. */
export function observedPolicy(
  policy: Policy,
  { ledger, time, dead }: Pick<Observation, 'ledger' | 'time' | 'dead'>,
): Policy {
  // What is none is for the worker to refuse.
  if (typeof policy !== 'object' || typeof policy.deadLetter !== 'function') return policy;
  return {
    ...policy,
    deadLetter: async (letter, context) => {
      await time.duringUserCall(() => policy.deadLetter(letter, context), dead);
      // As dead as code in a living process can be: its worker never learns that it has returned.
      if (dead.aborted) await new Promise<never>(() => undefined);
      ledger.addLetGo(letter.record);
    },
  };
}
