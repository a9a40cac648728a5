/**
 * Does `task` with each of the items, at most `atOnce` at the same time, in their order. After one has rejected no other is
 * begun; rejects with that, once those that were under way have settled.
 */
export async function forEachAtMost<T>(
  atOnce: number,
  items: readonly T[],
  task: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed: { readonly reason: unknown } | undefined;
  const run = async (): Promise<void> => {
    while (failed === undefined && next < items.length) {
      const item = items[next++] as T;
      try {
        await task(item);
      } catch (reason) {
        failed ??= { reason };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, run));
  if (failed !== undefined) throw failed.reason;
}
