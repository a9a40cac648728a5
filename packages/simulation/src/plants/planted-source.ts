import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { Plant } from './plant';

/** As the build does it, but for the types. */
const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.CommonJS,
  esModuleInterop: true,
};

const packagesFolder = join(__dirname, '..', '..', '..');

/** The built file that a plant takes the place of. */
export function builtFileOf({ file }: Plant): string {
  return join(packagesFolder, file.replace('/src/', '/dist/').replace(/\.ts$/, '.js'));
}

export function sourceOf({ file }: Plant): string {
  return readFileSync(join(packagesFolder, file), 'utf8');
}

/**
 * The source with the bug in it.
 *
 * @throws Error if the text to be replaced does not stand in it exactly once
 */
export function plantedSource(plant: Plant): string {
  const [before, after, ...more] = sourceOf(plant).split(plant.find);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`plant ${plant.name}: its text must stand exactly once in ${plant.file}`);
  }
  return before + plant.replace + after;
}

export function compiled(source: string): string {
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
