import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { anchors, codeBlocks, links, withoutCode, type CodeBlock } from './support/markdown';
import { filesBelow, readJson, readText, root } from './support/sources';
import { typeProgram } from './support/type-program';

const pages = filesBelow('.').filter((path) => path.endsWith('.md'));

interface Example extends CodeBlock {
  /** The page it stands on. */
  readonly page: string;
  /** Where it would be a file: beside the example program, whose modules it may import. */
  readonly path: string;
}

const examples: readonly Example[] = pages.flatMap((page) =>
  codeBlocks(readText(page))
    .filter(({ info }) => /^(ts|typescript)\b/.test(info))
    .map((block) => ({
      ...block,
      page,
      path: `packages/examples/src/flight-delays/${page.replaceAll(/[/.]/g, '-')}-${block.line}.ts`,
    })),
);
const isFragment = ({ info }: Example): boolean => info === 'ts fragment';

let program: ts.Program;

beforeAll(() => {
  program = typeProgram(examples.map(({ path, code }) => ({ path, text: `${code}\nexport {};\n` })));
}, 60_000);

describe('the TypeScript in the documents', () => {
  it('is there', () => {
    expect(examples.filter(({ page }) => page === 'README.md')).not.toEqual([]);
    expect(examples.length).toBeGreaterThan(10);
  });

  it('is marked ts or ts fragment, nothing else', () => {
    expect(examples.filter(({ info }) => info !== 'ts' && info !== 'ts fragment')).toEqual([]);
  });

  it('can be parsed', () => {
    expect(examples.flatMap((example) => diagnosticsOf(example, 'syntactic'))).toEqual([]);
  });

  it('compiles against the sources', () => {
    expect(
      examples.filter((example) => !isFragment(example)).flatMap((example) => diagnosticsOf(example, 'semantic')),
    ).toEqual([]);
  });

  it('shows the example as it is compiled and run', () => {
    const classes = [readText('README.md'), readText('packages/examples/src/flight-delays/delay-totals.ts')].map(
      (text) => /class DelayTotals [^]*?\n}\n/.exec(text)?.[0],
    );
    expect(classes[0]).toBeDefined();
    expect(classes[0]).toEqual(classes[1]);
  });

  it('shows the example of the test kit as it is run', () => {
    const blocks = codeBlocks(readText('packages/testing/README.md')).map(({ code }) => code.trim());
    expect(blocks).toEqual([readText('packages/testing/test/example.test.ts').trim()]);
  });
});

/**
 * "Cannot find name", and what follows from it: in a package's README the program around an example may be left to the
 * reader.
 */
const undeclared = new Set([2304, 2552, 18004, 7006, 7031]);

function diagnosticsOf({ page, line, path }: Example, kind: 'syntactic' | 'semantic'): readonly string[] {
  const file = program.getSourceFile(join(root, path));
  if (file === undefined) return [`${page}:${line} is not part of the program`];
  const found = kind === 'syntactic' ? program.getSyntacticDiagnostics(file) : program.getSemanticDiagnostics(file);
  return found
    .filter(({ code }) => !(page.startsWith('packages/') && undeclared.has(code)))
    .map(({ start, messageText }) => {
      const { line: below } = file.getLineAndCharacterOfPosition(start ?? 0);
      return `${page}:${line + below} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
}

describe('the links in the documents', () => {
  it('lead to files that exist, and to headings in them', () => {
    const broken = pages.flatMap((page) =>
      links(readText(page)).flatMap((target) => {
        if (/^[a-z]+:/.test(target)) return [];
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : posix.join(posix.dirname(page), path);
        if (!existsSync(join(root, file))) return [`${page} -> ${target}`];
        const isMissing = anchor !== undefined && file.endsWith('.md') && !anchors(readText(file)).has(anchor);
        return isMissing ? [`${page} -> ${target}`] : [];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('reach every page of docs/ from its map', () => {
    const linked = new Set(links(readText('docs/README.md')).map((target) => posix.join('docs', target)));
    expect(filesBelow('docs').filter((page) => page !== 'docs/README.md' && !linked.has(page))).toEqual([]);
  });
});

describe('all pages', () => {
  it('name only commands that package.json has', () => {
    const { scripts } = readJson('package.json') as { readonly scripts: Readonly<Record<string, string>> };
    const unknown = pages.flatMap((page) =>
      [...readText(page).matchAll(/npm run (?:-s )?([a-z][a-z-]*)/g)].flatMap(([command, name = '']) =>
        name in scripts ? [] : [`${page}: ${command}`],
      ),
    );
    expect(unknown).toEqual([]);
  });

  it('hold no path of a machine', () => {
    const paths = pages.flatMap((page) =>
      [...withoutCode(readText(page)).matchAll(/(?<![\w.:/-])\/(work|home|root|Users|tmp)\/\S*/g)].map(
        ([path]) => `${page}: ${path}`,
      ),
    );
    expect(paths).toEqual([]);
  });
});
