export type JsonObject = Record<string, unknown>;

/** An item as it travels: each attribute in its type, `{ leaseKey: { S: 'shard-1' } }`. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** One member, whose name is the type: `S`, `N`, `M` … */
export type AttributeValue = Readonly<Record<string, unknown>>;

/** dynalite leaves `undefined` for what an index projects and an item doesn't have; its own storage would drop it. */
export function withoutAbsent(entry: unknown): unknown {
  if (!isJsonObject(entry)) return entry;
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
