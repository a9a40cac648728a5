import type { Clock } from '@millrace/core';
import type { Outcome, Service, ServiceReply, ServiceRequest } from '../service/service';
import type { FaultPlan, Faults } from './faults';

/**
 * Carries one request to a service and brings back what the client gets to see of it. Never rejects. `onHeld` is told when
 * the call begins to wait for time to pass, or for a partition to be lifted, and when it goes on.
 */
export type Exchange = (request: ServiceRequest, onHeld?: (isHeld: boolean) => void) => Promise<Outcome>;

const reset: Outcome = { kind: 'reset' };

/**
 * A service with the faults that are in force. A request that has arrived takes effect even if its client has given up
 * on it, as packets under way would. Once `closing` aborts, calls that are being held or delayed are reset, and so is
 * every later one.
 */
export function faultyExchange(
  service: Service,
  { faults, clock, closing }: { readonly faults: Faults; readonly clock: Clock; readonly closing: AbortSignal },
): Exchange {
  const isClosed = (): boolean => closing.aborted;
  return async (request, onHeld = () => undefined) => {
    if (isClosed()) return reset;
    if (faults.areNone) return { kind: 'reply', reply: await service.answer(request) };
    const call = service.callOf(request);
    const plan = faults.planFor(call);
    const hold = async (wait: () => Promise<void>): Promise<void> => {
      onHeld(true);
      await wait().finally(() => onHeld(false));
    };
    const held: Hold = {
      delayed: (delayMs) => hold(() => clock.sleep(delayMs, closing)),
      partitioned: () => hold(() => faults.partitionLifted(call, closing)),
    };
    try {
      if (plan?.isPartitioned === true) {
        await held.partitioned();
        return reset;
      }
      const outcome = await carryOut(service, request, plan, held);
      if (!faults.isPartitioned(call)) return outcome;
      await held.partitioned();
      return reset;
    } catch (error) {
      // Services answer and never reject: only a wait that `closing` cut short ends here.
      if (isClosed()) return reset;
      throw error;
    }
  };
}

interface Hold {
  delayed(delayMs: number): Promise<void>;
  partitioned(): Promise<void>;
}

async function carryOut(
  service: Service,
  request: ServiceRequest,
  plan: FaultPlan | undefined,
  held: Hold,
): Promise<Outcome> {
  if (plan === undefined) return { kind: 'reply', reply: await service.answer(request) };
  if (plan.isRequestLost) return reset;
  // Without a delay in the same turn as the plan: a rule that was met for the last time holds for this call still.
  if (plan.requestDelayMs > 0) await held.delayed(plan.requestDelayMs);
  const answer =
    plan.refusal === undefined ? await service.answer(request, plan.answer) : service.refuse(request, plan.refusal);
  const reply = plan.replyBytes > 0 ? filledUp(answer, plan.replyBytes) : answer;
  if (plan.replyDelayMs > 0) await held.delayed(plan.replyDelayMs);
  switch (plan.reply) {
    case 'lost':
      return reset;
    case 'cut':
      return { kind: 'cut-reply', reply };
    case 'whole':
      if (plan.bodyDelayMs === 0) return { kind: 'reply', reply };
      return { kind: 'paused-reply', reply, resumed: succeeds(held.delayed(plan.bodyDelayMs)) };
  }
}

function succeeds(promise: Promise<void>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

/** A body of that many bytes, if it has fewer, which reads the same as JSON. */
function filledUp(reply: ServiceReply, bytes: number): ServiceReply {
  const { statusCode, headers } = reply;
  const body = Buffer.from(reply.body);
  if (body.length >= bytes) return reply;
  const filled = Buffer.alloc(bytes, ' ');
  filled.set(body);
  // That would be of the body without the blanks.
  const others = Object.entries(headers).filter(([name]) => name !== 'x-amz-crc32');
  return { statusCode, headers: Object.fromEntries(others), body: filled };
}
