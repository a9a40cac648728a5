/**
 * How much a lease and a worker belong together: the same for everybody, and spread evenly. Workers that do not see quite the
 * same leases still agree about most of them.
 */
export function affinity(leaseKey: string, workerId: string): number {
  const text = `${leaseKey}/${workerId}`;
  // FNV-1a with a final mix: spreads names that differ in one digit.
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
