/** One program that measures something. A new one is a folder beside `local`, and a line in `registry.ts`. */
export interface Bench {
  /** What it is called by: `npm run bench -- name`. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** Its options, one line each. */
  readonly options: readonly string[];
  /**
   * Measures. Leaves nothing running behind, also when it rejects.
   *
   * @throws UsageError if `args` are not understood; nothing was started
   */
  run(context: BenchContext): Promise<BenchResult>;
}

export interface BenchContext {
  /** What stands behind the name on the command line, without `--json`. */
  readonly args: readonly string[];
  /** Aborted when somebody wants it to end before its time. */
  readonly signal: AbortSignal;
  /** Says what is being done; for whoever waits. */
  readonly progress: (line: string) => void;
}

export interface BenchResult {
  /** For programs: printed as one line of JSON. */
  readonly rows: readonly object[];
  /** For people. */
  readonly report: readonly string[];
}

/** The command line asks for something that there is not. */
export class UsageError extends Error {}
