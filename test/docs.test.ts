import { beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';
import { evenPlan } from '../packages/lease-coordinator/src/assignment-plan';
import { resolveStopOptions } from '../packages/worker/src/stop-options';
import { resolveWorkerOptions } from '../packages/worker/src/worker-options';
import { codeBlocks, codeSpans, sections, tables, type Table } from './support/markdown';
import { importsOf, place, readText, sources, walk } from './support/sources';
import { exportedType, literals, propertyNames, typeProgram } from './support/type-program';

const everySource = sources();

let program: ts.Program;

beforeAll(() => {
  program = typeProgram([{ path: 'packages/worker/src/all-documented.ts', text: documented }]);
}, 60_000);

/** Makes the types that the documents describe part of the program. */
const documented = `
  export type { WorkerOptions } from './worker-options';
  export type { WorkerEvents } from './worker-events';
  export type { WorkerHealth } from './worker-health';
  export type { StopOptions } from './stop-options';
`;

describe('docs/errors.md', () => {
  const classOf = new Map<string, string>();
  const { tree } = source('packages/core/src/errors.ts');
  walk(tree, (node) => {
    if (!ts.isPropertyDeclaration(node) || node.name.getText(tree) !== 'code') return;
    if (node.initializer === undefined || !ts.isStringLiteral(node.initializer)) return;
    classOf.set(node.initializer.text, (node.parent as ts.ClassDeclaration).name?.text ?? '');
  });
  const entries = sections(readText('docs/errors.md')).filter(({ title }) => /^`[A-Z_]+`$/.test(title));

  it('has a section for every code, and for no other', () => {
    const codes = literals(exportedType(program, 'packages/core/src/errors.ts', 'ErrorCode'));
    expect(entries.map(({ title }) => title.slice(1, -1))).toEqual([...codes]);
  });

  it('names the class, and says what it means, what is true afterwards and what to do', () => {
    for (const { title, body } of entries) {
      const code = title.slice(1, -1);
      const labels = [...body.matchAll(/^\*\*([A-Z][a-z]+)\.\*\*/gm)].map(([, label]) => label);
      expect({ code, labels, classes: codeSpans(body).slice(0, 1) }).toEqual({
        code,
        labels: ['Class', 'Meaning', 'Afterwards', 'Do'],
        classes: [classOf.get(code)],
      });
    }
  });

  it('has the same codes and classes in its overview', () => {
    const overview = table('docs/errors.md', 'code');
    expect(overview.rows.map(([code = '', name = '']) => [bare(code), bare(name)])).toEqual(
      entries.map(({ title }) => [title.slice(1, -1), classOf.get(title.slice(1, -1))]),
    );
  });
});

describe('docs/events.md', () => {
  const rows = tables(readText('docs/events.md'))
    .filter(({ header }) => header[0] === 'event')
    .flatMap(({ rows }) => rows);

  it('has every event, and no other', () => {
    const events = propertyNames(exportedType(program, 'packages/worker/src/worker-events.ts', 'WorkerEvents'));
    expect(rows.map(([name = '']) => bare(name)).sort()).toEqual([...events].sort());
  });

  it('has every field of their payloads, in order, and the words that a field may have', () => {
    const checker = program.getTypeChecker();
    const type = exportedType(program, 'packages/worker/src/worker-events.ts', 'WorkerEvents');
    for (const [name = '', payload = ''] of rows) {
      const event = bare(name);
      const property = type.getProperty(event);
      if (property === undefined) throw new Error(`there is no event ${event}`);
      const fields = checker.getTypeOfSymbol(property).getProperties();
      // The states of a shard have a page of their own.
      const words = fields
        .map((field) => checker.getTypeOfSymbol(field))
        .filter((field) => field.aliasSymbol?.name !== 'ShardState')
        .flatMap(literals);
      const spans = codeSpans(payload);
      expect({
        event,
        fields: spans.filter((span) => !span.startsWith("'")),
        words: spans
          .filter((span) => span.startsWith("'"))
          .map((span) => span.slice(1, -1))
          .sort(),
      }).toEqual({ event, fields: fields.map(({ name }) => name), words: words.sort() });
    }
  });

  it('has every line that is logged as warn or error, and no other', () => {
    const lines = table('docs/events.md', 'level').rows.map(
      ([level = '', message = '']) => `${bare(level)} ${bare(message)}`,
    );
    expect([...lines].sort()).toEqual([...new Set(loudMessages())].sort());
  });
});

/** `level message` of every call of a logger at warn or error in the sources of what runs in production. */
function loudMessages(): readonly string[] {
  const found: string[] = [];
  const runs = everySource.filter(({ path, folder }) => !path.includes('/testing/') && !/local|examples/.test(folder));
  for (const { tree } of runs) {
    walk(tree, (node) => {
      if (!ts.isCallExpression(node)) return;
      const { expression, arguments: given } = node;
      const message = given[1];
      if (message === undefined || given.length !== 2 || !/\blogger\b/i.test(expression.getText(tree))) return;
      const levels = ts.isPropertyAccessExpression(expression) ? [expression.name.text] : ['warn', 'error'];
      if (levels.some((level) => level !== 'warn' && level !== 'error')) return;
      if (!ts.isStringLiteral(message)) throw new Error(`${place(tree, node)}: a log message is not a fixed text`);
      found.push(...levels.map((level) => `${level} ${message.text}`));
    });
  }
  return found;
}

describe('docs/configuration.md', () => {
  const applicationName = 'flight-delays';
  const required = {
    applicationName,
    streamName: 'flights',
    processorFactory: () => ({ processRecords: () => undefined }),
  };
  const rows = tables(readText('docs/configuration.md'))
    .filter(({ header }) => header[0] === 'option')
    .flatMap(({ rows }) => rows)
    .map(([option = '', standard = '', range = '']) => ({ option: bare(option), standard, range }));

  it('has every option, nested ones too, and no other', () => {
    const options = exportedType(program, 'packages/worker/src/worker-options.ts', 'WorkerOptions');
    expect(rows.map(({ option }) => option).sort()).toEqual([...optionPaths(options)].sort());
  });

  it('has the defaults that the code has', () => {
    const resolved = resolveWorkerOptions(required);
    for (const { option, standard } of rows) {
      // Documented in the words that users write.
      const actual = option === 'failurePolicy' ? resolved.failurePolicy.kind : at(resolved, option);
      const [stated] = codeSpans(standard);
      if (option in required || option === 'streamArn')
        expect({ option, standard }).toEqual({ option, standard: 'required' });
      else if (actual === undefined) expect({ option, stated }).toEqual({ option, stated: undefined });
      else
        expect({ option, stated: valueOf(stated, { applicationName, evenPlan: [evenPlan] }) }).toEqual({
          option,
          stated: actual,
        });
    }
  });

  const bounds = rows.flatMap(({ option, range }) => {
    const [, min, max] = /^`([\d_]+)` (?:to `([\d_]+)`|to |or more)/.exec(range) ?? [];
    const isAccepted = (value: number): boolean => {
      try {
        // Some options are refused where they have no effect.
        resolveWorkerOptions({ ...required, failurePolicy: 'skip', ...nest(option, value) });
        return true;
      } catch {
        return false;
      }
    };
    return min === undefined
      ? []
      : [{ option, min: number(min), max: max === undefined ? undefined : number(max), isAccepted }];
  });

  it('states ranges', () => {
    expect(bounds.length).toBeGreaterThan(10);
  });

  it.each(bounds)('states the range of $option that the code accepts', ({ min, max, isAccepted }) => {
    expect({ [min - 1]: isAccepted(min - 1), [min]: isAccepted(min) }).toEqual({ [min - 1]: false, [min]: true });
    if (max === undefined) return;
    expect({ [max]: isAccepted(max), [max + 1]: isAccepted(max + 1) }).toEqual({ [max]: true, [max + 1]: false });
  });

  it('has the options of stop(), with their defaults', () => {
    const stop = table('docs/configuration.md', 'argument');
    const options = exportedType(program, 'packages/worker/src/stop-options.ts', 'StopOptions');
    expect(firstColumn(stop)).toEqual(propertyNames(options));
    const defaults = stop.rows.map(([name = '', standard = '']) => [bare(name), valueOf(codeSpans(standard)[0], {})]);
    expect(Object.fromEntries(defaults)).toEqual(resolveStopOptions({}));
  });
});

/** `leases.failoverTimeMs` and so on: the properties of a type, and those of the options inside it that are ours. */
function optionPaths(type: ts.Type, prefix = ''): readonly string[] {
  const checker = program.getTypeChecker();
  return checker.getPropertiesOfType(type).flatMap((property) => {
    const name = `${prefix}${property.name}`;
    const inner = checker.getNonNullableType(checker.getTypeOfSymbol(property));
    const declaration = inner.getSymbol()?.declarations?.[0]?.getSourceFile().fileName ?? '';
    const isOurs = /Options$/.test(inner.getSymbol()?.name ?? '') && !declaration.includes('node_modules');
    return isOurs ? optionPaths(inner, `${name}.`) : [name];
  });
}

function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((inner, name) => (inner as Readonly<Record<string, unknown>> | undefined)?.[name], value);
}

function nest(path: string, value: unknown): object {
  return path
    .split('.')
    .reverse()
    .reduce<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}

function number(text: string): number {
  return Number(text.replaceAll('_', ''));
}

/** What a documented default says: a literal, or the name of another option. */
function valueOf(text: string | undefined, names: Readonly<Record<string, unknown>>): unknown {
  if (text === undefined) return undefined;
  if (text in names) return names[text];
  if (/^[\d_]+$|^Infinity$/.test(text)) return number(text);
  return JSON.parse(text.replaceAll("'", '"')) as unknown;
}

describe('docs/lease-lifecycle.md', () => {
  it('has the diagram of a shard as the code has it, with every state', () => {
    const [, inCode = ''] = /```\n([^]*?)```/.exec(source('packages/worker/src/shard-state.ts').text) ?? [];
    const diagram = inCode.replace(/^ \* ?/gm, '').trimEnd();
    const shown = codeBlocks(readText('docs/lease-lifecycle.md')).map(({ code }) => code);
    expect(shown).toContain(diagram);
    for (const state of literals(exportedType(program, 'packages/worker/src/shard-state.ts', 'ShardState'))) {
      expect(diagram).toMatch(new RegExp(`[│►─ ]${state}[ │]|${state}$`, 'm'));
    }
  });

  it('explains every state, and no other', () => {
    const states = literals(exportedType(program, 'packages/worker/src/shard-state.ts', 'ShardState'));
    expect(firstColumn(table('docs/lease-lifecycle.md', 'state')).sort()).toEqual([...states].sort());
  });
});

describe('docs/lease-table.md', () => {
  it('has every attribute that the code reads or writes, and no other of ours', () => {
    const { tree } = source('packages/lease-coordinator/src/lease-item.ts');
    const attributes: string[] = [];
    walk(tree, (node) => {
      if (!ts.isVariableDeclaration(node) || node.name.getText(tree) !== 'attribute') return;
      walk(node, (inner) => {
        if (ts.isPropertyAssignment(inner)) attributes.push((inner.initializer as ts.StringLiteral).text);
      });
    });
    expect(attributes.length).toBeGreaterThan(20);
    const shown = tables(readText('docs/lease-table.md'))
      .filter(({ header }) => header[0] === 'attribute')
      .flatMap(firstColumn);
    expect(attributes.filter((name) => !shown.includes(name))).toEqual([]);
    expect(shown.filter((name) => name.startsWith('millrace') && !attributes.includes(name))).toEqual([]);
  });

  it('has every operation of the lease store', () => {
    const store = propertyNames(exportedType(program, 'packages/lease-coordinator/src/lease-store.ts', 'LeaseStore'));
    const writes = store.filter((name) => name !== 'list' && name !== 'get');
    expect(firstColumn(table('docs/lease-table.md', 'operation')).sort()).toEqual([...writes].sort());
  });
});

describe('docs/iam.md', () => {
  it('allows the calls that a worker makes, and no other', () => {
    const called = new Set<string>();
    for (const one of everySource.filter(
      ({ path, folder }) => !path.includes('/testing/') && !/local|examples|dead-letter/.test(folder),
    )) {
      for (const { specifier, names } of importsOf(one)) {
        const [, service] = /^@aws-sdk\/client-(\w+)$/.exec(specifier) ?? [];
        for (const name of service === undefined ? [] : names) {
          if (name.endsWith('Command')) called.add(`${service ?? ''}:${name.replace(/Command$/, '')}`);
        }
      }
    }
    const [policy] = codeBlocks(readText('docs/iam.md')).filter(({ info }) => info === 'json');
    const { Statement: statements } = JSON.parse(policy?.code ?? '{}') as {
      readonly Statement: readonly { readonly Action: readonly string[] }[];
    };
    const allowed = statements.flatMap(({ Action }) => Action);
    // CreateTable with tags asks for the right to tag; no command of its own.
    expect(allowed.filter((action) => action !== 'dynamodb:TagResource').sort()).toEqual([...called].sort());
  });
});

describe('docs/operations.md and docs/aggregation.md', () => {
  it.each([
    ['docs/operations.md', 'WorkerHealth', 'packages/worker/src/worker-health.ts'],
    ['docs/operations.md', 'ShardHealth', 'packages/worker/src/worker-health.ts'],
    ['docs/operations.md', 'WorkerSnapshot', 'packages/worker/src/worker-health.ts'],
    ['docs/operations.md', 'StopResult', 'packages/worker/src/stop-options.ts'],
    ['docs/operations.md', 'UnfinishedShard', 'packages/worker/src/stop-options.ts'],
    ['docs/aggregation.md', 'DeaggregationCounts', 'packages/record-deaggregator/src/deaggregate.ts'],
  ])('%s has every field of %s', (page, name, path) => {
    expect(firstColumn(table(page, name))).toEqual(propertyNames(exportedType(program, path, name)));
  });

  it('docs/aggregation.md has every rule for records out of range', () => {
    const rules = literals(exportedType(program, 'packages/record-deaggregator/src/deaggregate.ts', 'OutOfRange'));
    expect(firstColumn(table('docs/aggregation.md', '`aggregationOutOfRange`')).sort()).toEqual(
      rules.map((rule) => `'${rule}'`).sort(),
    );
  });
});

/** The table of a page whose first column is headed so. */
function table(page: string, header: string): Table {
  const found = tables(readText(page)).filter((one) => one.header[0] === header);
  if (found[0] === undefined || found.length > 1)
    throw new Error(`${page} has ${found.length} tables headed ${header}`);
  return found[0];
}

/** The words in backticks that begin the rows. */
function firstColumn({ rows }: Table): string[] {
  return rows.map(([cell = '']) => codeSpans(cell)[0] ?? cell);
}

/** A cell without its backticks. */
function bare(cell: string): string {
  return cell.replaceAll('`', '');
}

function source(path: string): (typeof everySource)[number] {
  const found = everySource.find((one) => one.path === path);
  if (found === undefined) throw new Error(`there is no ${path}`);
  return found;
}
