/** Milliseconds that can be compared between the processes of one machine, finer than the wall clock's. */
export function sharedNowMs(): number {
  return performance.timeOrigin + performance.now();
}
