export type JsonObject = Record<string, unknown>;

/** An item as it travels: each attribute in its type, `{ leaseKey: { S: 'shard-1' } }`. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** One member, whose name is the type: `S`, `N`, `M` … */
export type AttributeValue = Readonly<Record<string, unknown>>;

/**
 * The same, of ordinary objects throughout and without members that are `undefined`. dynalite leaves those for what an index projects and an
 * item doesn't have, and makes what it updates of objects without a prototype, whose JSON and sizes take V8 several times as long.
 */
export function ordinary(entry: unknown): unknown {
  if (Array.isArray(entry)) return entry.map(ordinary);
  if (!isJsonObject(entry)) return entry;
  const names = Object.keys(entry);
  const [name] = names;
  // An attribute's value, as a rule.
  if (names.length === 1 && name !== undefined && entry[name] !== undefined) return { [name]: ordinary(entry[name]) };
  const members = names
    .filter((each) => entry[each] !== undefined)
    .map((each) => [each, ordinary(entry[each])] as const);
  return Object.fromEntries(members);
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
