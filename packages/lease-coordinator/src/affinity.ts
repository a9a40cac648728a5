/**
 * How much a lease and a worker belong together: the same for everybody, and spread evenly. Workers that do not see quite the
 * same leases still agree about most of them.
 */
export function affinity(leaseKey: string, workerId: string): number {
  // FNV-1a with a final mix: spreads names that differ in one digit.
  let value = hashed(hashed(hashed(0x811c9dc5, leaseKey), '/'), workerId);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Goes on from `value`: a plan asks for each lease and each worker, and texts that are put together first cost more than all the rest. */
function hashed(value: number, text: string): number {
  let hash = value;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}
