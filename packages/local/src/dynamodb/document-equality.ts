import { itemRules } from './dynalite';
import type { AttributeValue, Item } from './json';

/** A condition as dynalite's parser leaves it: a tree of operators and functions, with these at its leaves. */
export interface Expression {
  readonly type: string;
  /** Of a function. */
  readonly name?: string;
  readonly args: readonly Operand[];
}

/** A path to an attribute, a value, or an expression again. */
type Operand = readonly (string | number)[] | AttributeValue | Expression;

const always: Expression = { type: 'function', name: 'attribute_exists', args: [{ BOOL: true }] };
const never: Expression = { type: 'not', args: [always] };

/**
 * The condition with every comparison of a map or a list with another (`=`, `<>`, `IN`) replaced by its outcome for this
 * item. dynalite would compare them by identity, by which no two are equal.
 */
export function settleDocumentComparisons(expression: Expression, item: Item): Expression {
  const { type, args } = expression;
  if (type === 'and' || type === 'or' || type === 'not') {
    return { ...expression, args: args.map((arg) => settleDocumentComparisons(arg as Expression, item)) };
  }
  if (type !== '=' && type !== '<>' && type !== 'in') return expression;
  const [left, ...others] = args.map((operand) => documentOf(operand, item));
  const rights = others.filter((other) => other !== undefined);
  if (left === undefined || rights.length === 0) return expression;
  const isEqual = rights.some((right) => equalValues(left, right));
  return isEqual === (type !== '<>') ? always : never;
}

/** What an operand stands for, if that is a map or a list. */
function documentOf(operand: Operand, item: Item): AttributeValue | undefined {
  const value = Array.isArray(operand) ? itemRules.mapPath(operand, item) : operand;
  if (typeof value !== 'object' || value === null) return undefined;
  return 'M' in value || 'L' in value ? value : undefined;
}

/** Equal as DynamoDB sees it: maps by their members, lists in order, sets in any order. Numbers come normalised. */
function equalValues(left: AttributeValue, right: AttributeValue): boolean {
  const [type] = Object.keys(left);
  if (type === undefined || type !== Object.keys(right)[0]) return false;
  const a = left[type];
  const b = right[type];
  if (type === 'M') return equalMaps(a as Item, b as Item);
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  if (a.length !== b.length) return false;
  if (type === 'L') return a.every((value, index) => equalValues(value as AttributeValue, b[index] as AttributeValue));
  return a.every((value) => b.includes(value));
}

function equalMaps(left: Item, right: Item): boolean {
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => {
    const a = left[name];
    const b = right[name];
    return a !== undefined && b !== undefined && equalValues(a, b);
  });
}
