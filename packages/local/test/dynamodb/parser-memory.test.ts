import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { rememberParsed, type ExpressionParser, type ParseContext } from '../../src/dynamodb/parser-memory';

const load = createRequire(__filename);
const dynaliteParser = (name: string): ExpressionParser => load(`dynalite/db/${name}`) as ExpressionParser;

interface Expression {
  readonly parser: 'conditionParser' | 'projectionParser' | 'updateParser';
  readonly text: string;
  readonly names?: Record<string, string>;
  readonly values?: Record<string, unknown>;
}

const names = { '#a': 'alpha', '#b': 'beta', '#unused': 'x' };
const values = { ':a': { S: 'one' }, ':b': { N: '1' }, ':m': { M: { in: { S: 'x' } } }, ':unused': { S: '' } };

const expressions: readonly Expression[] = [
  {
    parser: 'conditionParser',
    text: '(#a = :a AND NOT (gamma = :b)) OR (#b = :b AND (size(gamma) > :b))',
    names,
    values,
  },
  {
    parser: 'conditionParser',
    text: 'attribute_exists(gamma) AND begins_with(#a, :a) AND #b IN (:b, :b)',
    names,
    values,
  },
  { parser: 'conditionParser', text: 'gamma.delta[2].#a = :m', names, values },
  { parser: 'conditionParser', text: 'gamma BETWEEN :b AND :b', values },
  {
    parser: 'updateParser',
    text: 'SET #a = :a, gamma = if_not_exists(gamma, :b) + :b REMOVE #b ADD delta :b',
    names,
    values,
  },
  {
    parser: 'updateParser',
    text: 'SET gamma.#a[1] = :m, epsilon = list_append(epsilon, :l)',
    names,
    values: { ...values, ':l': { L: [] } },
  },
  { parser: 'projectionParser', text: '#a, gamma.delta[0], #b', names },
];

function contextOf({ names: attrNames, values: attrVals }: Expression): ParseContext & object {
  return {
    attrNames: attrNames ?? null,
    attrVals: attrVals ?? null,
    unusedAttrNames: { ...attrNames },
    unusedAttrVals: { ...attrVals },
    ...{ isReserved: (name: string) => name.toLowerCase() === 'select', compare: () => false },
  };
}

/** A parser of dynalite's that counts, with the same one remembering in front of it. */
function remembering(name: Expression['parser']): { readonly parser: ExpressionParser; readonly calls: () => number } {
  let calls = 0;
  const parser: ExpressionParser = {
    parse: (expression, options) => {
      calls++;
      return dynaliteParser(name).parse(expression, options);
    },
  };
  rememberParsed(parser);
  return { parser, calls: () => calls };
}

const other = {
  ':a': { S: 'two' },
  ':b': { N: '22' },
  ':m': { M: { in: { S: 'y' } } },
  ':l': { L: [{ S: 'z' }] },
  ':unused': { S: 'u' },
};

describe('a parser that remembers', () => {
  it.each(expressions)('makes the same of $text, the first time and again with other values', (expression) => {
    const { parser, calls } = remembering(expression.parser);
    const changed = {
      ...expression,
      ...(expression.values && { values: pick(other, Object.keys(expression.values)) }),
    };
    for (const asked of [expression, changed, expression, changed]) {
      const [expected, actual] = [contextOf(asked), contextOf(asked)];
      expect(parser.parse(asked.text, { context: actual })).toEqual(
        dynaliteParser(asked.parser).parse(asked.text, { context: expected }),
      );
      expect(actual).toMatchObject({
        unusedAttrNames: expected.unusedAttrNames,
        unusedAttrVals: expected.unusedAttrVals,
      });
    }
    expect(calls()).toBe(expression.text.includes('BETWEEN') ? 4 : 1);
  });

  it('gives out copies: an action may write into one', () => {
    const { parser } = remembering('updateParser');
    const ask = (): { sections: { val: unknown }[] } =>
      parser.parse('SET gamma = :a', { context: contextOf({ parser: 'updateParser', text: '', values }) }) as never;
    ask();
    const second = ask();
    for (const section of second.sections) section.val = 'written over';
    expect(ask().sections).toMatchObject([{ val: { S: 'one' } }]);
  });

  it('parses anew when a value has another type or a name stands for something else', () => {
    const { parser, calls } = remembering('conditionParser');
    const ask = (changes: Partial<Expression>): unknown =>
      parser.parse('#a = :a', {
        context: contextOf({
          parser: 'conditionParser',
          text: '',
          names: { '#a': 'alpha' },
          values: { ':a': { S: 'one' } },
          ...changes,
        }),
      });
    ask({});
    ask({ values: { ':a': { N: '1' } } });
    ask({ names: { '#a': 'beta' } });
    expect(calls()).toBe(3);
  });

  it('remembers no refusal: what is wrong is found again', () => {
    const { parser, calls } = remembering('conditionParser');
    const ask = (): unknown =>
      parser.parse('select = :a', { context: contextOf({ parser: 'conditionParser', text: '', values }) });
    expect(ask()).toContain('reserved keyword: select');
    expect(ask()).toContain('reserved keyword: select');
    expect(calls()).toBe(2);
  });

  it('takes a name that an earlier expression of the request has used', () => {
    const { parser } = remembering('conditionParser');
    for (let round = 0; round < 2; round++) {
      const context = contextOf({
        parser: 'conditionParser',
        text: '',
        names: { '#a': 'alpha' },
        values: { ':a': { S: 'x' } },
      });
      delete context.unusedAttrNames['#a'];
      parser.parse('#a = :a', { context });
      expect(context.unusedAttrVals).toEqual({});
    }
  });
});

function pick(from: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, from[key]]));
}
