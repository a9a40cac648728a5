import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

export const root = resolve(__dirname, '..', '..');

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

export interface Package {
  /** Its folder's name in `packages/`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** One source file, its path from the root with forward slashes. */
export interface Source {
  readonly path: string;
  /** The folder's name in `packages/`. */
  readonly folder: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function readJson(path: string): unknown {
  return JSON.parse(readText(path));
}

export function packages(): readonly Package[] {
  return readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ folder: name, manifest: readJson(`packages/${name}/package.json`) as Manifest }));
}

const skipped = new Set(['node_modules', 'dist', 'coverage', '.git']);

/** The paths of all files below `folder`, from the root, but those that are installed or built. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = relative(root, join(root, folder, entry.name))
      .split(sep)
      .join('/');
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

/** Every `packages/*\/src/**\/*.ts`, parsed. */
export function sources(): readonly Source[] {
  return packages().flatMap(({ folder }) =>
    filesBelow(`packages/${folder}/src`)
      .filter((path) => path.endsWith('.ts'))
      .map((path) => {
        const text = readText(path);
        return { path, folder, text, tree: parse(path, text) };
      }),
  );
}

export function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
}

/** Calls `visit` with every node below `node`. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  node.forEachChild((child) => {
    visit(child);
    walk(child, visit);
  });
}

/** `path:line`, as an editor opens it. */
export function place(tree: ts.SourceFile, node: ts.Node): string {
  return `${tree.fileName}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}`;
}

export interface Import {
  readonly specifier: string;
  readonly node: ts.Node;
  /** What is imported by name, by the name that the module gives it. */
  readonly names: readonly string[];
}

/** What a file imports or re-exports, types included, and by `require` of a literal. */
export function importsOf({ tree }: Pick<Source, 'tree'>): readonly Import[] {
  const found: Import[] = [];
  walk(tree, (node) => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined) {
      const bindings = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : node.exportClause;
      const elements: readonly (ts.ImportSpecifier | ts.ExportSpecifier)[] =
        bindings !== undefined && (ts.isNamedImports(bindings) || ts.isNamedExports(bindings)) ? bindings.elements : [];
      const names = elements.map(({ propertyName, name }) => (propertyName ?? name).text);
      found.push({ specifier: (node.moduleSpecifier as ts.StringLiteral).text, node, names });
    }
    const [argument] = ts.isCallExpression(node) ? node.arguments : [];
    if (ts.isCallExpression(node) && argument !== undefined && ts.isStringLiteral(argument) && isRequire(node)) {
      found.push({ specifier: argument.text, node, names: [] });
    }
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      found.push({ specifier: node.argument.literal.text, node, names: [] });
    }
  });
  return found;
}

/** `import('x')`, `require('x')`, `createRequire(…)('x')`. */
function isRequire({ expression }: ts.CallExpression): boolean {
  if (expression.kind === ts.SyntaxKind.ImportKeyword) return true;
  const callee = ts.isCallExpression(expression) ? expression.expression : expression;
  return ts.isIdentifier(callee) && ['require', 'createRequire'].includes(callee.text);
}

/** `@aws-sdk/client-kinesis` of `@aws-sdk/client-kinesis/models`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
