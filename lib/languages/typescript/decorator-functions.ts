/** A function, by the indexes of its tokens. */
interface FunctionTokens {
  parameters: DecoratorParameter[];
  /** The index of the first token of its body. */
  body: number;
}

interface DecoratorParameter {
  /** Empty if it is destructured. */
  name: string;
  /** The source text of the type without spaces. */
  type: string;
}

/** Tokens, and the index of the closing bracket for that of each opening one. */
interface TokenizedSource {
  tokens: readonly string[];
  closing: ReadonlyMap<number, number>;
}

type DecoratorKind = 'legacy' | 'standard';

const TOKEN = /[\p{L}_$][\p{L}\p{N}_$]*|\d[\w.]*|=>|\.\.\.|""|[^\s\p{L}\p{N}_$]/gu;
const NAME = /^[\p{L}_$]/u;

/**
 * Finds the kind of decorators by the parameters of the functions that are used as such. A legacy
 * one takes three, or a target and a name; a standard one takes a value and a context. Undefined
 * if the parameters do not show it. `sources` have no comments and no regular expressions, and
 * strings are `""`. Linear in their length. Pure.
 */
export function decoratorKind(sources: readonly string[]): DecoratorKind | undefined {
  const kinds = new Set<DecoratorKind | undefined>();
  const texts = sources.map(tokenizeSource);
  const known = new Map(texts.flatMap((text) => definitionsIn(text)));
  const used = texts.flatMap(usedIn);
  const seen = new Set<string>();
  // `used` grows during the loop.
  for (const { name, calls } of used) {
    const key = `${name} ${calls}`;
    const definition = known.get(name);
    if (definition === undefined || seen.has(key) || seen.size === MAX_USES || calls > MAX_CALLS) continue;
    seen.add(key);
    const { text, at } = definition;
    kinds.add(kindAt(text, at, calls, (more) => used.push(more)));
  }
  if (kinds.has('standard')) return 'standard';
  return kinds.has('legacy') ? 'legacy' : undefined;
}

/** A name, and the number of calls after which the result is the decorator. */
interface DecoratorUse {
  name: string;
  calls: number;
}

const MAX_CALLS = 4;
/** A bound, since each function may have the whole program as its body. */
const MAX_USES = 200;

/**
 * The kind of the value at an index after a number of calls. `follow` receives the names that the
 * value comes from.
 */
function kindAt(
  text: TokenizedSource,
  at: number,
  calls: number,
  follow: (use: DecoratorUse) => void,
): DecoratorKind | undefined {
  const found = functionAt(text, at);
  // As in `return ((target, key) => {}) as PropertyDecorator`.
  if (found === undefined && text.tokens[at] === '(' && functionAt(text, at + 1) !== undefined)
    return kindAt(text, at + 1, calls, follow);
  if (found === undefined) {
    const use = decoratorUseAt(text, at);
    if (use !== undefined) follow({ name: use.name, calls: use.calls + calls });
    return undefined;
  }
  if (calls === 0) return kindOf(found.parameters);
  const kinds = resultsOf(text, found.body).map((result) => kindAt(text, result, calls - 1, follow));
  return kinds.find((kind) => kind !== undefined);
}

/** Reads `a`, `a.b` or `a.b(…)(…)`: the last name and the number of its calls. */
function decoratorUseAt({ tokens, closing }: TokenizedSource, at: number): DecoratorUse | undefined {
  let last = at;
  while (tokens[last + 1] === '.' && NAME.test(tokens[last + 2] ?? '')) last += 2;
  const name = tokens[last] ?? '';
  if (!NAME.test(name)) return undefined;
  let calls = 0;
  for (let next = last + 1; tokens[next] === '(' && calls < MAX_CALLS; calls += 1)
    next = (closing.get(next) ?? next) + 1;
  return { name, calls };
}

/** The names after every `@`. */
function usedIn(text: TokenizedSource): DecoratorUse[] {
  return text.tokens.flatMap((token, index) => (token === '@' ? (decoratorUseAt(text, index + 1) ?? []) : []));
}

/** Functions and values by name, also those of methods and properties. */
function definitionsIn(text: TokenizedSource): [string, { text: TokenizedSource; at: number }][] {
  const { tokens } = text;
  return tokens.flatMap((token, index): [string, { text: TokenizedSource; at: number }][] => {
    if (!NAME.test(token)) return [];
    const [before = '', next = ''] = [tokens[index - 1], tokens[index + 1]];
    if (before === 'function' || (before === '*' && tokens[index - 2] === 'function'))
      return [[token, { text, at: index }]];
    if (next === '=') return [[token, { text, at: index + 2 }]];
    if (/^(?:const|let|var|static|readonly)$/.test(before) && next === ':') {
      const value = valueAfter(text, index + 2);
      return value === undefined ? [] : [[token, { text, at: value }]];
    }
    if (next === ':' && /^[{,]$/.test(before)) return [[token, { text, at: index + 2 }]];
    // A method, also a generic one.
    const isMethod = /^(?:[{},;]|static|public|private|protected)$/.test(before) && /^[(<]$/.test(next);
    return isMethod ? [[token, { text, at: index + 1 }]] : [];
  });
}

/** The index of the value whose type annotation begins at `from`. */
function valueAfter({ tokens, closing }: TokenizedSource, from: number): number | undefined {
  for (let at = from; at < Math.min(tokens.length, from + MAX_TYPE_TOKENS); at = (closing.get(at) ?? at) + 1) {
    if (tokens[at] === '=') return at + 1;
    if (tokens[at] === ';') return undefined;
  }
  return undefined;
}

const MAX_TYPE_TOKENS = 200;

/** The function whose `async`, `function`, name, types or parameters begin at `from`. */
function functionAt({ tokens, closing }: TokenizedSource, from: number): FunctionTokens | undefined {
  let at = from;
  if (tokens[at] === 'async') at += 1;
  const isKeyword = tokens[at] === 'function';
  if (isKeyword) at += 1;
  if (tokens[at] === '*') at += 1;
  if (NAME.test(tokens[at] ?? '')) {
    if (tokens[at + 1] === '=>') return { parameters: [{ name: tokens[at] ?? '', type: '' }], body: at + 2 };
    if (isKeyword || tokens[from - 1] === 'function' || tokens[from - 1] === '*') at += 1;
  }
  if (tokens[at] === '<') at = afterAngles(tokens, at);
  const close = tokens[at] === '(' ? closing.get(at) : undefined;
  if (close === undefined) return undefined;
  const parameters = parametersIn(tokens, closing, at + 1, close);
  let body = close + 1;
  const last = Math.min(tokens.length, body + MAX_TYPE_TOKENS);
  if (tokens[body] === ':')
    while (body < last && tokens[body] !== '=>' && !(tokens[body] === '{' && tokens[body - 1] !== ':'))
      body = tokens[body] === '{' || tokens[body] === '(' ? (closing.get(body) ?? body) + 1 : body + 1;
  if (tokens[body] === '=>') return { parameters, body: body + 1 };
  return tokens[body] === '{' ? { parameters, body } : undefined;
}

function afterAngles(tokens: readonly string[], from: number): number {
  let depth = 0;
  for (let at = from; at < Math.min(tokens.length, from + MAX_TYPE_TOKENS); at += 1) {
    if (tokens[at] === '<') depth += 1;
    else if (tokens[at] === '>') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return from;
}

/** The indexes of the values that a body returns, without those of inner functions. */
function resultsOf(text: TokenizedSource, body: number): number[] {
  const { tokens, closing } = text;
  if (tokens[body] === '(') return [functionAt(text, body) === undefined ? body + 1 : body];
  if (tokens[body] !== '{') return [body];
  const results: number[] = [];
  const end = closing.get(body) ?? tokens.length;
  for (let at = body + 1; at < end; at += 1) {
    if (tokens[at] === 'return') results.push(at + 1);
    const isFunction = tokens[at] === 'function' || (tokens[at] === '=>' && tokens[at + 1] === '{');
    const inner = tokens[at] === '=>' ? at + 1 : isFunction ? functionAt(text, at)?.body : undefined;
    if (inner !== undefined && tokens[inner] === '{') at = closing.get(inner) ?? at;
  }
  return results;
}

function parametersIn(
  tokens: readonly string[],
  closing: ReadonlyMap<number, number>,
  from: number,
  to: number,
): DecoratorParameter[] {
  const parameters: DecoratorParameter[] = [];
  let depth = 0;
  let words: string[] = [];
  const end = () => {
    if (words.length > 0) parameters.push(parameterOf(words));
    words = [];
  };
  for (let at = from; at < to; at += 1) {
    const token = tokens[at] ?? '';
    if (token === '<') depth += 1;
    else if (token === '>') depth = Math.max(0, depth - 1);
    if (token === ',' && depth === 0) end();
    else words.push(token);
    const close = closing.get(at);
    // Skips bracketed text.
    if (close !== undefined) at = close;
  }
  end();
  return parameters.filter(({ name }) => name !== 'this');
}

function parameterOf(words: readonly string[]): DecoratorParameter {
  const colon = words.indexOf(':');
  const name = words.slice(0, colon < 0 ? words.length : colon).find((word) => NAME.test(word) || word === '...') ?? '';
  const type = colon < 0 ? '' : words.slice(colon + 1).join('');
  return { name, type: type.replace(/=.*$/, '') };
}

const CONTEXT = /^_*(?:ctx|\w*[cC]ontext)$/;
const TARGET = /^_*(?:target|prototype|proto|constructor|ctor)$/;
const KEY = /^_*(?:\w*[kK]ey|\w*(?:propert|metho)\w*|prop|member|field)$/;

function kindOf(parameters: readonly DecoratorParameter[]): DecoratorKind | undefined {
  const [first, second] = parameters;
  if (first === undefined || parameters.some(({ name }) => name === '...')) return undefined;
  // A destructured second parameter is a context.
  if (second?.name === '' || parameters.some(({ name }) => CONTEXT.test(name))) return 'standard';
  if (parameters.length === 3 || TARGET.test(first.name)) return 'legacy';
  if (second === undefined || parameters.length > 3) return undefined;
  const isTargetType = /^(?:any|unknown|object|Object|\{|)$/.test(first.type);
  const isKey = /^(?:string|symbol|PropertyKey)(?:\|(?:string|symbol|number|undefined))*$/.test(second.type);
  return isKey ? (isTargetType ? 'legacy' : undefined) : KEY.test(second.name) ? 'legacy' : undefined;
}

function tokenizeSource(source: string): TokenizedSource {
  const tokens = source.match(TOKEN) ?? [];
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (const [index, token] of tokens.entries()) {
    if (/^[({[]$/.test(token)) open.push(index);
    else if (/^[)}\]]$/.test(token)) {
      const opening = open.pop();
      if (opening !== undefined) closing.set(opening, index);
    }
  }
  return { tokens, closing };
}
