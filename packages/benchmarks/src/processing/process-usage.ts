/** What a process has used in the time that was measured. */
export interface ProcessUsage {
  readonly seconds: number;
  /** Processor time of the whole process, user and system. */
  readonly cpuMs: number;
  /** Of the time, in which the thread of JavaScript did not wait for events: 1, and more calls would take longer. */
  readonly busyShare: number;
}

/** Measures this process from now on, until the function that it returns is called. */
export function measureUsage(): () => ProcessUsage {
  const beganAtMs = performance.now();
  const cpuBefore = process.cpuUsage();
  const loopBefore = performance.eventLoopUtilization();
  return () => {
    const { user, system } = process.cpuUsage(cpuBefore);
    const { utilization: busyShare } = performance.eventLoopUtilization(loopBefore);
    return { seconds: (performance.now() - beganAtMs) / 1_000, cpuMs: (user + system) / 1_000, busyShare };
  };
}
