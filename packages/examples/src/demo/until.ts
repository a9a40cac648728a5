import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until nothing is missing any longer; at the limit it rejects with what still is. */
export async function until(
  { limitMs, everyMs, signal }: { readonly limitMs: number; readonly everyMs: number; readonly signal: AbortSignal },
  whatIsMissing: () => Promise<string | undefined> | string | undefined,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (true) {
    const missing = await whatIsMissing();
    if (missing === undefined) return;
    if (performance.now() > deadlineMs) throw new Error(`after ${limitMs / 1000} s ${missing}`);
    await sleep(everyMs, undefined, { signal });
  }
}
