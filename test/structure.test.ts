import { existsSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import {
  filesBelow,
  importsOf,
  packageOf,
  packages,
  place,
  readJson,
  readText,
  root,
  sources,
  walk,
  type Manifest,
  type Source,
} from './support/sources';

/** Which packages' sources may import which others: a new package needs a line here, and a thought. */
const mayImport: Readonly<Record<string, readonly string[] | 'all'>> = {
  core: [],
  'shard-discovery': ['core'],
  'lease-coordinator': ['core'],
  'record-fetcher': ['core'],
  'record-deaggregator': ['core'],
  'record-dispatcher': ['core'],
  checkpointer: ['core'],
  worker: [
    'core',
    'shard-discovery',
    'lease-coordinator',
    'record-fetcher',
    'record-deaggregator',
    'record-dispatcher',
    'checkpointer',
  ],
  'dead-letter-sqs': ['worker'],
  local: ['core'],
  testing: ['core', 'checkpointer', 'worker', 'local'],
  contract: ['core', 'local'],
  examples: 'all',
  benchmarks: 'all',
  'process-checks': 'all',
  simulation: 'all',
};

/** The files that may touch time, chance and the process themselves. */
const worldEdges = [
  'packages/core/src/clock.ts',
  'packages/core/src/random.ts',
  'packages/core/src/testing/',
  'packages/examples/',
  'packages/local/src/main.ts',
  'packages/contract/src/main.ts',
  'packages/benchmarks/',
  'packages/process-checks/',
  'packages/simulation/src/main.ts',
  'packages/simulation/src/event-loop.ts',
  'packages/local/src/http/turns.ts',
];

const maxLines = 400;

const everyPackage = packages();
const published = everyPackage.filter(({ manifest }) => manifest.private !== true);
const everySource = sources();
const folderOf = new Map(everyPackage.map(({ folder, manifest }) => [manifest.name, folder]));
const manifestOf = new Map(everyPackage.map(({ folder, manifest }) => [folder, manifest]));

/** The places in all sources for which `find` has something to say. */
function problems(find: (source: Source) => readonly string[], among = everySource): readonly string[] {
  return among.flatMap(find);
}

function nodesWhere(source: Source, isBad: (node: ts.Node) => boolean): readonly string[] {
  const found: string[] = [];
  walk(source.tree, (node) => {
    if (isBad(node)) found.push(`${place(source.tree, node)} ${node.getText(source.tree).slice(0, 60)}`);
  });
  return found;
}

describe('the packages', () => {
  it('are those that the layering knows', () => {
    expect(everyPackage.map(({ folder }) => folder).sort()).toEqual(Object.keys(mayImport).sort());
  });

  it('import downwards only: a stage imports core, and only the worker knows the stages', () => {
    expect(
      problems((source) =>
        importsOf(source).flatMap(({ specifier, node }) => {
          const imported = folderOf.get(packageOf(specifier));
          const allowed = mayImport[source.folder];
          if (imported === undefined || allowed === 'all' || allowed?.includes(imported) === true) return [];
          return [`${place(source.tree, node)} imports ${specifier}`];
        }),
      ),
    ).toEqual([]);
  });

  it('reach each other by name, never by a path', () => {
    expect(
      problems((source) =>
        importsOf(source).flatMap(({ specifier, node }) => {
          const target = posix.join(posix.dirname(source.path), specifier);
          const isInside =
            target.startsWith(`packages/${source.folder}/src/`) || target.endsWith(`/${source.folder}/src`);
          return !specifier.startsWith('.') || isInside ? [] : [`${place(source.tree, node)} imports ${specifier}`];
        }),
      ),
    ).toEqual([]);
  });

  it('keep core free of AWS, of the network and of the disk: it imports itself, and assert', () => {
    expect(
      problems((source) =>
        source.folder !== 'core'
          ? []
          : importsOf(source).flatMap(({ specifier, node }) =>
              specifier.startsWith('.') || /^node:assert(\/strict)?$/.test(specifier)
                ? []
                : [`${place(source.tree, node)} imports ${specifier}`],
            ),
      ),
    ).toEqual([]);
  });

  it('import only what their package.json names, and builtins by node:', () => {
    const builtins = new Set(builtinModules);
    expect(
      problems((source) => {
        const declared = { ...manifestOf.get(source.folder)?.dependencies };
        return importsOf(source).flatMap(({ specifier, node }) => {
          if (specifier.startsWith('.') || specifier.startsWith('node:')) return [];
          const name = packageOf(specifier);
          if (!builtins.has(name) && name in declared) return [];
          return [`${place(source.tree, node)} imports ${specifier}`];
        });
      }),
    ).toEqual([]);
  });

  it('name in their dependencies nothing that they do not import', () => {
    const unused = everyPackage.flatMap(({ folder, manifest }) => {
      const own = everySource.filter((source) => source.folder === folder);
      const imported = new Set(own.flatMap(importsOf).map(({ specifier }) => packageOf(specifier)));
      return Object.keys(manifest.dependencies ?? {})
        .filter((name) => !imported.has(name))
        .map((name) => `${folder}: ${name}`);
    });
    expect(unused).toEqual([]);
  });

  it('refer in tsconfig.json to the packages of this repository that they depend on', () => {
    for (const { folder, manifest } of everyPackage) {
      const { references = [] } = readJson(`packages/${folder}/tsconfig.json`) as {
        readonly references?: readonly { readonly path: string }[];
      };
      const dependencies = Object.keys(manifest.dependencies ?? {}).flatMap((name) => folderOf.get(name) ?? []);
      expect({ folder, references: references.map(({ path }) => path).sort() }).toEqual({
        folder,
        references: dependencies.map((dependency) => `../${dependency}`).sort(),
      });
    }
  });

  it('are all built by the root tsconfig.json', () => {
    const { references } = readJson('tsconfig.json') as { readonly references: readonly { readonly path: string }[] };
    expect(references.map(({ path }) => path).sort()).toEqual(
      everyPackage.map(({ folder }) => `packages/${folder}`).sort(),
    );
  });

  it('ask for the same version of what they share', () => {
    const ranges = new Map<string, Set<string>>();
    for (const { manifest } of everyPackage) {
      for (const [name, range] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
        ranges.set(name, (ranges.get(name) ?? new Set()).add(range));
      }
    }
    expect([...ranges].filter(([, found]) => found.size > 1)).toEqual([]);
  });
});

describe('the sources', () => {
  it(`have at most ${maxLines} lines`, () => {
    expect(
      problems(({ path, text }) => {
        const lines = text.trimEnd().split('\n').length;
        return lines > maxLines ? [`${path} has ${lines} lines`] : [];
      }),
    ).toEqual([]);
  });

  it('get time, chance and the environment from outside', () => {
    const inside = everySource.filter(({ path }) => !worldEdges.some((edge) => path.startsWith(edge)));
    expect(problems((source) => nodesWhere(source, touchesTheWorld), inside)).toEqual([]);
  });

  it('have no enum and no any', () => {
    expect(
      problems((source) =>
        nodesWhere(source, (node) => ts.isEnumDeclaration(node) || node.kind === ts.SyntaxKind.AnyKeyword),
      ),
    ).toEqual([]);
  });

  it('are files in kebab-case', () => {
    const files = everyPackage.flatMap(({ folder }) => [
      ...filesBelow(`packages/${folder}/src`),
      ...(existsSync(join(root, 'packages', folder, 'test')) ? filesBelow(`packages/${folder}/test`) : []),
    ]);
    const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*$/;
    expect(
      [...files, ...filesBelow('test')].filter((path) =>
        path
          .split('/')
          .flatMap((part) => part.split('.'))
          .some((part) => !kebabCase.test(part)),
      ),
    ).toEqual([]);
  });

  it('export from index.ts by name, and put nothing else there', () => {
    const indexes = everySource.filter(({ path, folder }) => path.endsWith('/index.ts') && folder !== 'examples');
    expect(indexes.length).toBeGreaterThan(published.length);
    expect(
      problems(
        ({ tree }) =>
          tree.statements.flatMap((statement) => {
            const clause = ts.isExportDeclaration(statement) ? statement.exportClause : undefined;
            return clause !== undefined && ts.isNamedExports(clause) ? [] : [place(tree, statement)];
          }),
        indexes,
      ),
    ).toEqual([]);
  });
});

const bannedCalls = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']);
const bannedMembers = new Set([
  'Date.now',
  'Math.random',
  'performance.now',
  'process.env',
  'process.hrtime',
  'AbortSignal.timeout',
]);
const bannedModules = new Set(['node:timers', 'node:timers/promises', 'node:perf_hooks']);

function touchesTheWorld(node: ts.Node): boolean {
  if (ts.isNewExpression(node)) {
    const isNow = (node.arguments?.length ?? 0) === 0;
    return isNow && ts.isIdentifier(node.expression) && node.expression.text === 'Date';
  }
  if (ts.isPropertyAccessExpression(node)) {
    const object = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
    return (
      ts.isIdentifier(object) && (object.text === 'console' || bannedMembers.has(`${object.text}.${node.name.text}`))
    );
  }
  if (ts.isCallExpression(node)) {
    const callee = ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression;
    const isGlobal = ts.isIdentifier(node.expression) || /^global(This)?\./.test(node.expression.getText());
    return ts.isIdentifier(callee) && isGlobal && bannedCalls.has(callee.text);
  }
  if (ts.isImportDeclaration(node)) {
    const module = (node.moduleSpecifier as ts.StringLiteral).text;
    const takesEnv = module === 'node:process' && /\benv\b/.test(node.importClause?.getText() ?? '');
    return takesEnv || bannedModules.has(module);
  }
  return false;
}

describe('the published packages', () => {
  const rootManifest = readJson('package.json') as Manifest;

  it('have the same skeleton of a package.json', () => {
    for (const { folder, manifest } of published) {
      expect({ folder, ...manifest }).toEqual({
        folder,
        name: folder === 'worker' ? 'millrace' : `@millrace/${folder}`,
        version: rootManifest.version,
        description: expect.stringMatching(/^[A-Z].{20,}\.$/),
        keywords: ['kinesis', 'kcl', 'consumer', 'lease', 'dynamodb', 'stream'],
        license: 'Apache-2.0',
        engines: rootManifest['engines'],
        main: './dist/index.js',
        types: './dist/index.d.ts',
        exports: {
          '.': { types: './dist/index.d.ts', default: './dist/index.js' },
          ...(existsSync(join(root, 'packages', folder, 'src', 'testing', 'index.ts')) && {
            './testing': { types: './dist/testing/index.d.ts', default: './dist/testing/index.js' },
          }),
          './package.json': './package.json',
        },
        files: ['dist', '!dist/*.tsbuildinfo', 'src', 'README.md'],
        publishConfig: { access: 'public' },
        type: 'commonjs',
        dependencies: expect.any(Object),
        ...(manifest.devDependencies && { devDependencies: expect.any(Object) }),
        ...(manifest['bin'] !== undefined && { bin: expect.any(Object) }),
      });
    }
  });

  it('name types before the code in every entry point, because the first match wins', () => {
    for (const { manifest } of published) {
      const entries = Object.values(manifest['exports'] as Record<string, string | Record<string, string>>);
      for (const entry of entries.filter((one) => typeof one === 'object')) {
        expect(Object.keys(entry)).toEqual(['types', 'default']);
      }
    }
  });

  it('run no script when they are installed', () => {
    const atInstall = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];
    for (const { folder, manifest } of everyPackage) {
      expect({ folder, scripts: atInstall.filter((name) => name in (manifest.scripts ?? {})) }).toEqual({
        folder,
        scripts: [],
      });
    }
  });

  it('have one version, and depend on each other by exactly that', () => {
    const { version } = rootManifest;
    expect((readJson('lerna.json') as { readonly version: string }).version).toBe(version);
    for (const { folder, manifest } of everyPackage) {
      const ours = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(([name]) =>
        folderOf.has(name),
      );
      expect({ folder, versions: [...new Set([manifest.version, ...ours.map(([, range]) => range)])] }).toEqual({
        folder,
        versions: [version],
      });
    }
  });

  it('say their version to AWS', () => {
    const [, version] = /packageVersion = '([^']+)'/.exec(readText('packages/worker/src/package-version.ts')) ?? [];
    expect(version).toBe(rootManifest.version);
  });

  it('have a README that begins with their name', () => {
    const wrong = published.filter(({ folder, manifest }) => {
      const path = `packages/${folder}/README.md`;
      return !existsSync(join(root, path)) || !readText(path).startsWith(`# ${manifest.name}\n`);
    });
    expect(wrong.map(({ folder }) => folder)).toEqual([]);
  });
});

describe('package-lock.json', () => {
  it('holds no address, from where anything was downloaded least of all, but those of people to thank', () => {
    const { packages: locked } = readJson('package-lock.json') as {
      readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    };
    const addresses = Object.entries(locked).flatMap(([path, entry]) =>
      Object.entries(entry).flatMap(([field, value]) =>
        field !== 'funding' && /https?:/.test(JSON.stringify(value)) ? [`${path}: ${field}`] : [],
      ),
    );
    expect(addresses).toEqual([]);
  });
});
