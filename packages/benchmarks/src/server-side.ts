/** What a server process says once it has answered a request. */
export interface Ready {
  readonly endpoint: string;
  /** How long it took to load the server's modules, in milliseconds, if that can be told apart. */
  readonly loadMs?: number;
  /** How long it took from there to the first answer, in milliseconds, if that can be told apart. */
  readonly startMs?: number;
}

/** What a server process answers whatever it is sent. */
export interface Usage {
  /** Processor time of the whole process since it began, in milliseconds, user and system. */
  readonly cpuMs: number;
}

/** To be called first of all: a server whose parent is gone, however hard it was killed, ends by itself. */
export function endWithParent(): void {
  process.once('disconnect', () => process.exit(0));
}

/**
 * Tells the parent where to find the server, and from then on what it costs whenever the parent asks.
 *
 * @param counted what else the parent is told then
 */
export function serveParent(ready: Ready, counted: () => object = () => ({})): void {
  process.on('message', () => {
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const usage: Usage = { ...counted(), cpuMs: (userCPUTime + systemCPUTime) / 1000 };
    process.send?.(usage);
  });
  process.send?.(ready);
}

/** For a server that can't start. */
export function failParent(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
}
