import type { Attributes, AttributeValue } from './expressions';

/** Items are never changed, only replaced. */
const sizes = new WeakMap<Attributes, number>();

/**
 * In bytes, as DynamoDB counts it:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemSize(item: Attributes): number {
  let size = sizes.get(item);
  if (size === undefined) {
    size = Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueSize(value), 0);
    sizes.set(item, size);
  }
  return size;
}

function valueSize(value: AttributeValue & { readonly L?: readonly unknown[] }): number {
  const { S, N, SS, M, L } = value;
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return Math.ceil(N.replace(/\D/g, '').replace(/^0+|0+$/g, '').length / 2) + 1;
  if (SS !== undefined) return SS.reduce((sum, member) => sum + Buffer.byteLength(member), 0);
  // Each element has a byte of its own beside what it is.
  const sizeOf = (inner: unknown): number => 1 + valueSize(inner as AttributeValue);
  if (L !== undefined) return 3 + L.reduce<number>((sum, inner) => sum + sizeOf(inner), 0);
  if (M === undefined) return 1;
  return 3 + Object.entries(M).reduce((sum, [name, inner]) => sum + Buffer.byteLength(name) + sizeOf(inner), 0);
}

/** Of one read of so many bytes. */
export function readUnits(bytes: number, isConsistent: boolean): number {
  return Math.max(1, Math.ceil(bytes / 4_096)) * (isConsistent ? 1 : 0.5);
}

export function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 1_024));
}
