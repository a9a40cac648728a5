/** One attribute of an item, as it travels. */
export interface AttributeValue {
  readonly S?: string;
  readonly N?: string;
  readonly BOOL?: boolean;
  readonly SS?: readonly string[];
  readonly M?: Readonly<Record<string, unknown>>;
}

export type Attributes = Readonly<Record<string, AttributeValue>>;

/** An expression, or a value in one, that is left to the real evaluator. */
export class UnknownExpressionError extends Error {
  override readonly name = 'UnknownExpressionError';
}

type Condition = (item: Attributes, values: Attributes) => boolean;
type Operand = (item: Attributes, values: Attributes) => AttributeValue | undefined;
type Assignment = (item: Attributes, values: Attributes, changed: Record<string, AttributeValue>) => void;

const tokenPattern = /\s*(<>|[()=,]|:?[A-Za-z_]\w*)/y;

/** Reads the tokens of an expression one after another. */
class Tokens {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(text: string) {
    const tokens: string[] = [];
    tokenPattern.lastIndex = 0;
    while (tokenPattern.lastIndex < text.length) {
      const found = tokenPattern.exec(text)?.[1];
      if (found === undefined) throw new UnknownExpressionError(text);
      tokens.push(found);
    }
    this.#tokens = tokens;
  }

  peek(): string | undefined {
    return this.#tokens[this.#next];
  }

  take(): string {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw new UnknownExpressionError('an expression that ends too early');
    return token;
  }

  takeIf(token: string): boolean {
    if (this.peek() !== token) return false;
    this.#next++;
    return true;
  }

  expect(token: string): void {
    if (this.take() !== token) throw new UnknownExpressionError(`no ${token} where one should be`);
  }
}

/** The part of the language of conditions that lease writes use. @throws UnknownExpressionError for any other */
export function compileCondition(text: string): Condition {
  const tokens = new Tokens(text);
  const condition = orCondition(tokens);
  if (tokens.peek() !== undefined) throw new UnknownExpressionError(text);
  return condition;
}

function orCondition(tokens: Tokens): Condition {
  let left = andCondition(tokens);
  while (tokens.takeIf('OR')) {
    const [before, right] = [left, andCondition(tokens)];
    left = (item, values) => before(item, values) || right(item, values);
  }
  return left;
}

function andCondition(tokens: Tokens): Condition {
  let left = notCondition(tokens);
  while (tokens.takeIf('AND')) {
    const [before, right] = [left, notCondition(tokens)];
    left = (item, values) => before(item, values) && right(item, values);
  }
  return left;
}

function notCondition(tokens: Tokens): Condition {
  if (tokens.takeIf('NOT')) {
    const inner = notCondition(tokens);
    return (item, values) => !inner(item, values);
  }
  if (tokens.takeIf('(')) {
    const inner = orCondition(tokens);
    tokens.expect(')');
    return inner;
  }
  const first = tokens.take();
  if (first === 'attribute_exists' || first === 'attribute_not_exists') {
    tokens.expect('(');
    const name = nameOf(tokens.take());
    tokens.expect(')');
    const wanted = first === 'attribute_exists';
    return (item) => (item[name] !== undefined) === wanted;
  }
  return comparison(operandOf(first), tokens.take(), operandOf(tokens.take()));
}

function comparison(left: Operand, operator: string, right: Operand): Condition {
  if (operator !== '=' && operator !== '<>') throw new UnknownExpressionError(`the operator ${operator}`);
  return (item, values) => {
    const [a, b] = [left(item, values), right(item, values)];
    if (a !== undefined && b !== undefined) return areEqual(a, b) === (operator === '=');
    if (operator === '=') return false;
    throw new UnknownExpressionError('<> of what is not there');
  };
}

function areEqual(a: AttributeValue, b: AttributeValue): boolean {
  if (a.S !== undefined || b.S !== undefined) return a.S === b.S;
  if (a.N !== undefined || b.N !== undefined)
    return a.N !== undefined && b.N !== undefined && Number(a.N) === Number(b.N);
  if (a.BOOL !== undefined || b.BOOL !== undefined) return a.BOOL === b.BOOL;
  throw new UnknownExpressionError('a comparison of other types');
}

function operandOf(token: string): Operand {
  if (token.startsWith(':')) {
    return (_, values) => {
      const value = values[token];
      if (value === undefined) throw new UnknownExpressionError(`no value ${token}`);
      return value;
    };
  }
  const name = nameOf(token);
  return (item) => item[name];
}

function nameOf(token: string): string {
  if (/^[A-Za-z_]\w*$/.test(token)) return token;
  throw new UnknownExpressionError(`the name ${token}`);
}

/** An update, ready to be carried out. */
export interface CompiledUpdate {
  /** The attributes that it adds to or deletes from: what becomes of them depends on whether they are there. */
  readonly counted: readonly string[];
  apply(item: Attributes, values: Attributes): Attributes;
}

/** The part of the language of updates that writes to the table use. @throws UnknownExpressionError for any other */
export function compileUpdate(text: string): CompiledUpdate {
  const tokens = new Tokens(text);
  const assignments: Assignment[] = [];
  const removed: string[] = [];
  const counted: string[] = [];
  while (tokens.peek() !== undefined) {
    const clause = tokens.take();
    do {
      if (clause === 'SET') assignments.push(setClause(tokens));
      else if (clause === 'ADD' || clause === 'DELETE') {
        counted.push(nameOf(tokens.peek() ?? ''));
        assignments.push(clause === 'ADD' ? addClause(tokens) : deleteClause(tokens));
      } else if (clause === 'REMOVE') removed.push(nameOf(tokens.take()));
      else throw new UnknownExpressionError(text);
    } while (tokens.takeIf(','));
  }
  const apply: CompiledUpdate['apply'] = (item, values) => {
    const changed = copyWithout(removed, item);
    for (const assign of assignments) assign(item, values, changed);
    return changed;
  };
  return { counted, apply };
}

/** An object from which something is deleted is slow to read and to copy from then on. */
function copyWithout(removed: readonly string[], item: Attributes): Record<string, AttributeValue> {
  const copy: Record<string, AttributeValue> = {};
  for (const name in item) {
    const value = item[name];
    if (value !== undefined && !removed.includes(name)) copy[name] = value;
  }
  return copy;
}

function setClause(tokens: Tokens): Assignment {
  const name = nameOf(tokens.take());
  tokens.expect('=');
  const first = tokens.take();
  if (first !== 'if_not_exists') return assignment(name, operandOf(first));
  tokens.expect('(');
  const other = nameOf(tokens.take());
  tokens.expect(',');
  const value = operandOf(tokens.take());
  tokens.expect(')');
  return assignment(name, (item, values) => item[other] ?? value(item, values));
}

function assignment(name: string, operand: Operand): Assignment {
  return (item, values, changed) => {
    const value = operand(item, values);
    if (value === undefined) throw new UnknownExpressionError(`${name} is set to what is not there`);
    changed[name] = value;
  };
}

function addClause(tokens: Tokens): Assignment {
  const name = nameOf(tokens.take());
  const operand = operandOf(tokens.take());
  return (item, values, changed) => {
    const [before, more] = [item[name], operand(item, values)];
    if (more?.SS !== undefined) {
      assertMembers(name, more.SS);
      changed[name] = { SS: [...new Set([...membersOf(name, before), ...more.SS])] };
      return;
    }
    const sum = Number(before === undefined ? 0 : before.N) + Number(more?.N);
    if (!Number.isSafeInteger(sum)) throw new UnknownExpressionError(`an addition to ${name}`);
    changed[name] = { N: String(sum) };
  };
}

/** A set without members is no attribute. */
function deleteClause(tokens: Tokens): Assignment {
  const name = nameOf(tokens.take());
  const operand = operandOf(tokens.take());
  return (item, values, changed) => {
    const gone = operand(item, values)?.SS;
    if (gone === undefined) throw new UnknownExpressionError(`a deletion from ${name}`);
    assertMembers(name, gone);
    const left = membersOf(name, item[name]).filter((member) => !gone.includes(member));
    if (left.length > 0) changed[name] = { SS: left };
    else Reflect.deleteProperty(changed, name);
  };
}

function membersOf(name: string, value: AttributeValue | undefined): readonly string[] {
  if (value === undefined) return [];
  if (value.SS === undefined) throw new UnknownExpressionError(`${name} is no set`);
  return value.SS;
}

/** An empty set is an error; what DynamoDB says to it depends on more than the expression. */
function assertMembers(name: string, members: readonly string[]): void {
  if (members.length === 0) throw new UnknownExpressionError(`an empty set for ${name}`);
}

/** Names of attributes that are wanted. @throws UnknownExpressionError for paths into them */
export function compileProjection(text: string): (item: Attributes) => Attributes {
  const names = text.split(',').map((name) => nameOf(name.trim()));
  return (item) => Object.fromEntries(names.flatMap((name) => (item[name] === undefined ? [] : [[name, item[name]]])));
}
