import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A file of the built package. What a process of its own does can only be seen there. */
export function built(path: string): string {
  const file = join(__dirname, '..', '..', 'dist', path);
  if (!existsSync(file)) throw new Error(`${path} is not built: npm run build`);
  return file;
}
