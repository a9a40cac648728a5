import { crc32 } from 'node:zlib';

/** What a token carries. Only this engine reads it; to a client it is an opaque string. */
export type TokenFields = readonly (string | number)[];

/** A token in base64 that a cut or changed character makes unreadable. `kind` keeps one kind from passing as another. */
export function sealToken(kind: string, fields: TokenFields): string {
  const text = JSON.stringify([kind, ...fields]);
  return Buffer.from(digest(text) + text, 'utf8').toString('base64');
}

/** The fields of a token that {@link sealToken} made, or `undefined` for anything else. */
export function openToken(kind: string, token: string): readonly unknown[] | undefined {
  const decoded = Buffer.from(token, 'base64').toString('utf8');
  const text = decoded.slice(digestLength);
  if (decoded.slice(0, digestLength) !== digest(text)) return undefined;
  const [foundKind, ...fields] = listIn(text);
  return foundKind === kind ? fields : undefined;
}

/** Empty for a text that is not a list in JSON: whoever knows the digest can put it before anything. */
function listIn(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    // Not JSON, so not a token of ours.
    return [];
  }
}

const digestLength = 8;

/** Against accidents, not against forgers: whoever reaches the loopback port may read every record anyway. */
function digest(text: string): string {
  return crc32(text).toString(16).padStart(digestLength, '0');
}
