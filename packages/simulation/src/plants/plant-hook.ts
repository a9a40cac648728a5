import { createRequire } from 'node:module';
import type { Plant } from './plant';
import { builtFileOf, compiled, plantedSource } from './planted-source';

interface LoadedModule {
  _compile(code: string, fileName: string): void;
}

type Loader = (module: LoadedModule, fileName: string) => void;

/**
 * From now on this thread loads the bug in place of the file that was built; no file is changed. To be called before
 * anything of Millrace is loaded.
 *
 * @throws Error if the bug cannot be planted
 */
export function plantBug(plant: Plant): void {
  const builtFile = builtFileOf(plant);
  const code = compiled(plantedSource(plant));
  const { extensions, cache } = createRequire(__filename) as unknown as {
    readonly extensions: Record<string, Loader | undefined>;
    readonly cache: Readonly<Record<string, unknown>>;
  };
  const load = extensions['.js'];
  if (load === undefined || cache[builtFile] !== undefined) throw new Error(`${builtFile} is loaded already`);
  extensions['.js'] = (module, fileName) => {
    if (fileName === builtFile) module._compile(code, fileName);
    else load(module, fileName);
  };
}
