import { UsageError } from './bench';

/** What `parse` returns. @throws UsageError with what it throws */
export function understood<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * The scenarios of a list with commas between them, in the order of `names` and each once.
 *
 * @throws UsageError
 */
export function scenariosNamed<Name extends string>(list: string, names: readonly Name[]): readonly Name[] {
  const wanted = list.split(',');
  for (const text of wanted) {
    if (!names.some((name) => name === text)) {
      throw new UsageError(`--scenario must be of ${names.join(', ')}, not '${text}'`);
    }
  }
  return names.filter((name) => wanted.includes(name));
}

/** @throws UsageError */
export function runsOf(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new UsageError(`--runs must be 1 to 99, not '${text}'`);
  return Number(text);
}
