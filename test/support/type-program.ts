import { dirname, join } from 'node:path';
import ts from 'typescript';
import { packages, readJson, root } from './sources';

/** A text that is type-checked as if it were a file at `path`. */
export interface VirtualFile {
  /** From the root. */
  readonly path: string;
  readonly text: string;
}

/**
 * A program of virtual files as a user of Millrace would write them: ES modules, under the compiler options of this
 * repository, with `millrace` and `@millrace/name` meaning the sources in `packages/`, so that no build can be stale.
 */
export function typeProgram(files: readonly VirtualFile[]): ts.Program {
  const { compilerOptions } = readJson('tsconfig.json') as { readonly compilerOptions: object };
  const { options } = ts.convertCompilerOptionsFromJson(
    {
      ...compilerOptions,
      module: 'ESNext',
      moduleResolution: 'bundler',
      composite: false,
      declaration: false,
      declarationMap: false,
      noEmit: true,
      isolatedModules: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      paths: Object.fromEntries(
        packages().flatMap(({ folder, manifest: { name } }) => [
          [name, [`./packages/${folder}/src/index.ts`]],
          [`${name}/testing`, [`./packages/${folder}/src/testing/index.ts`]],
        ]),
      ),
    },
    root,
  );
  const host = ts.createCompilerHost(options, true);
  const texts = new Map(files.map(({ path, text }) => [join(root, path), text]));
  const folders = new Set([...texts.keys()].map((path) => dirname(path)));
  const original = { ...host };
  host.fileExists = (path) => texts.has(path) || original.fileExists(path);
  host.readFile = (path) => texts.get(path) ?? original.readFile(path);
  host.directoryExists = (path) => folders.has(path) || ts.sys.directoryExists(path);
  host.getSourceFile = (path, languageVersionOrOptions, ...rest) => {
    const text = texts.get(path);
    return text === undefined
      ? original.getSourceFile(path, languageVersionOrOptions, ...rest)
      : ts.createSourceFile(path, text, languageVersionOrOptions, true);
  };
  return ts.createProgram([...texts.keys()], options, host);
}

/** The exported type, interface or alias, of a file of the program. */
export function exportedType(program: ts.Program, path: string, name: string): ts.Type {
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(join(root, path));
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
  const symbol = module === undefined ? undefined : checker.getExportsOfModule(module).find((one) => one.name === name);
  if (symbol === undefined) throw new Error(`${path} does not export ${name}`);
  return checker.getDeclaredTypeOfSymbol(symbol);
}

/** The names of a type's properties, in the order of their declaration. */
export function propertyNames(type: ts.Type): readonly string[] {
  return type.getProperties().map(({ name }) => name);
}

/** The texts of a union of string literals. */
export function literals(type: ts.Type): readonly string[] {
  const parts = type.isUnion() ? type.types : [type];
  return parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
}
