import type { Logger } from 'millrace';

/** These say that Millrace itself made a mistake. */
const mistakes = new Set([
  'lease work failed unexpectedly',
  'lease could not be used',
  'lease observer threw',
  'event listener failed',
  'worker cannot go on',
]);

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly leaseKey: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly isMistake: boolean;
}

/** Passes on what a worker says, `debug` apart. */
export function tracedLogger(onLine: (line: LogLine) => void, bound: Readonly<Record<string, unknown>> = {}): Logger {
  const log =
    (level: LogLine['level']) =>
    (fields: object, message: string): void => {
      const all: Readonly<Record<string, unknown>> = { ...bound, ...fields };
      const leaseKey = all['leaseKey'] ?? all['shardId'];
      const isMistake = mistakes.has(message);
      onLine({ level, message, fields: all, isMistake, leaseKey: typeof leaseKey === 'string' ? leaseKey : undefined });
    };
  return {
    debug: () => undefined,
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => tracedLogger(onLine, { ...bound, ...fields }),
  };
}

/** What an error says of itself, and of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.name}: ${error.message}${error.cause === undefined ? '' : ` (${describeError(error.cause)})`}`;
}
