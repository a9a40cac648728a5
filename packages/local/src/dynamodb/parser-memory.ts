/** One of dynalite's parsers of expressions. Answers with a text, or throws, when an expression is wrong. */
export interface ExpressionParser {
  parse(expression: string, options: { readonly context: ParseContext }): unknown;
}

/** What an expression may refer to. */
export interface ParseContext {
  readonly attrNames?: Readonly<Record<string, string>> | null;
  readonly attrVals?: Readonly<Record<string, unknown>> | null;
  /** What no expression of the request has referred to so far: the parser takes out what it meets. */
  readonly unusedAttrNames: Record<string, unknown>;
  readonly unusedAttrVals: Record<string, unknown>;
  readonly isKeyCondition?: boolean;
}

interface Remembered {
  readonly build: (values: Values) => unknown;
  readonly usedNames: readonly string[];
  readonly usedValues: readonly string[];
}

type Values = Readonly<Record<string, unknown>>;

/** Programs write few expressions, again and again. More than so many are started afresh. */
const maxRemembered = 1_000;

/** What is right or wrong about these depends on the values themselves, not only on their types. */
const dependsOnValues = /\b(between|attribute_type)\b/i;

/**
 * Makes a parser of dynalite remember what it has parsed. Its grammar tries every nesting of parentheses from the start, so
 * that a condition with three levels of them takes 25 ms. What it makes of an expression depends on the expression, on
 * the names, and on the types of the values: the values only stand in the result, where they are exchanged.
 */
export function rememberParsed(parser: ExpressionParser): void {
  const parse = parser.parse.bind(parser);
  const known = new Map<string, Remembered>();
  parser.parse = (expression, options) => {
    const { attrNames, attrVals, unusedAttrNames, unusedAttrVals, isKeyCondition } = options.context;
    if (dependsOnValues.test(expression)) return parse(expression, options);
    const values = attrVals ?? {};
    const types = Object.entries(values).map(([name, value]) => [name, typeOf(value)]);
    const key = JSON.stringify([expression, attrNames, types, isKeyCondition]);
    const remembered = known.get(key);
    if (remembered !== undefined) {
      takeOut(unusedAttrNames, remembered.usedNames);
      takeOut(unusedAttrVals, remembered.usedValues);
      return remembered.build(values);
    }
    // Its own, so that what earlier expressions of the request have used is not missing from it.
    const context = { ...options.context, unusedAttrNames: { ...attrNames }, unusedAttrVals: { ...values } };
    const result = parse(expression, { context });
    const usedNames = Object.keys(attrNames ?? {}).filter((name) => !(name in context.unusedAttrNames));
    const usedValues = Object.keys(values).filter((name) => !(name in context.unusedAttrVals));
    takeOut(unusedAttrNames, usedNames);
    takeOut(unusedAttrVals, usedValues);
    // A text is a refusal, with values in its wording.
    if (typeof result === 'string') return result;
    if (known.size >= maxRemembered) known.clear();
    known.set(key, { build: builderOf(result, values), usedNames, usedValues });
    return result;
  };
}

function takeOut(from: Record<string, unknown>, names: readonly string[]): void {
  for (const name of names) Reflect.deleteProperty(from, name);
}

function typeOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.keys(value).join() : typeof value;
}

/** Makes copies of a result, with other values where these stand: actions write into what they are given. */
function builderOf(result: unknown, values: Values): (values: Values) => unknown {
  const names = new Map(Object.entries(values).map(([name, value]) => [value, name]));
  const builder = (part: unknown): ((others: Values) => unknown) => {
    const name = names.get(part);
    if (name !== undefined) return (others) => others[name];
    if (Array.isArray(part)) {
      const items = part.map(builder);
      return (others) => items.map((item) => item(others));
    }
    if (typeof part !== 'object' || part === null) return () => part;
    const members = Object.entries(part).map(([member, inner]) => [member, builder(inner)] as const);
    return (others) => Object.fromEntries(members.map(([member, inner]) => [member, inner(others)]));
  };
  return builder(result);
}
