import type { Logger } from '../logger';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Record<string, unknown>;
}

/** Keeps every line, so that a test can say what a healthy run may print. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[];
  readonly #bound: Record<string, unknown>;

  constructor(lines: LogLine[] = [], bound: Record<string, unknown> = {}) {
    this.lines = lines;
    this.#bound = bound;
  }

  debug(fields: object, message: string): void {
    this.#add('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#add('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#add('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#add('error', fields, message);
  }

  child(fields: Record<string, unknown>): Logger {
    return new RecordingLogger(this.lines, { ...this.#bound, ...fields });
  }

  #add(level: LogLine['level'], fields: object, message: string): void {
    this.lines.push({ level, message, fields: { ...this.#bound, ...fields } });
  }
}
