/**
 * Adds a problem for every name in `options` that is none of `known`: a misspelt option would otherwise be a default in
 * silence. `prefix` is the path to these options, such as `leases.`, and empty for the outermost.
 */
export function rejectUnknownOptions(
  options: object | undefined,
  {
    prefix,
    known,
    problems,
  }: { readonly prefix: string; readonly known: readonly string[]; readonly problems: string[] },
): void {
  for (const name of Object.keys(options ?? {})) {
    if (!known.includes(name)) problems.push(`${prefix}${name} is not an option`);
  }
}
