/**
 * What a handler does that reads every byte, and nothing else. By index: iterating takes three times as long, and would hide
 * what is compared.
 */
export function sumOf(data: Uint8Array): number {
  let sum = 0;
  for (let index = 0; index < data.length; index++) sum += data[index] ?? 0;
  return sum;
}
