/**
 * Formats values like Node's console, approximately: depth 2, at most 72 characters per line.
 * Pure.
 */

const LINE_LENGTH = 72;
const MAX_DEPTH = 2;
const MAX_ITEMS = 100;

/** The arguments of one `console.log`, with `%s %d %i %f %j %o %%` in the first replaced. */
export function format(values: readonly unknown[]): string {
  const [first, ...rest] = values;
  if (typeof first !== 'string') return values.map(shown).join(' ');
  let used = 0;
  const text = first.replace(/%[sdifjoOc%]/g, (mark) => {
    if (mark === '%%') return rest.length === 0 ? mark : '%';
    if (used >= rest.length) return mark;
    const value = rest[used];
    used += 1;
    return filled(mark, value);
  });
  return [text, ...rest.slice(used).map(shown)].join(' ');
}

export function inspect(value: unknown, depth = 0, seen: readonly unknown[] = []): string {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'bigint':
      return `${value}n`;
    case 'symbol':
      return value.toString();
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'function':
      return functionName(value);
    case 'object':
      return value === null ? 'null' : object(value, depth, seen);
    default:
      return String(value);
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value);
}

function filled(mark: string, value: unknown): string {
  switch (mark) {
    case '%s':
      return typeof value === 'object' && value !== null ? inspect(value, MAX_DEPTH) : shown(value);
    case '%d':
      return typeof value === 'object' ? 'NaN' : String(Number(value));
    case '%i':
      return String(Number.parseInt(String(value), 10));
    case '%f':
      return String(Number.parseFloat(String(value)));
    case '%j':
      return JSON.stringify(value) ?? 'undefined';
    case '%c':
      return '';
    default:
      return inspect(value);
  }
}

function quoted(text: string): string {
  const quote = !text.includes("'") ? "'" : !text.includes('"') ? '"' : '`';
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r');
  return quote + (quote === '`' ? escaped.replaceAll('`', '\\`') : escaped) + quote;
}

function functionName(value: { name: string }): string {
  const kind = /^class\b/.test(String(value)) ? 'class' : 'Function';
  if (kind === 'class') return `[class ${value.name === '' ? '(anonymous)' : value.name}]`;
  return value.name === '' ? '[Function (anonymous)]' : `[Function: ${value.name}]`;
}

function object(value: object, depth: number, seen: readonly unknown[]): string {
  if (seen.includes(value)) return '[Circular *1]';
  if (value instanceof Error) return errorText(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Promise) return 'Promise {}';
  const name = className(value);
  if (depth > MAX_DEPTH) return Array.isArray(value) ? '[Array]' : `[${name === '' ? 'Object' : name}]`;
  const inner = (item: unknown) => inspect(item, depth + 1, [...seen, value]);
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map(inner);
    return braced(name === 'Array' ? '' : `${name}(${value.length})`, [...items, ...more(value.length)], '[', ']');
  }
  if (ArrayBuffer.isView(value) && value instanceof Uint8Array)
    return braced(
      `${name}(${value.length})`,
      [...Array.from(value.slice(0, MAX_ITEMS), String), ...more(value.length)],
      '[',
      ']',
    );
  if (value instanceof Map) {
    const entries = [...value].slice(0, MAX_ITEMS).map(([key, item]) => `${inner(key)} => ${inner(item)}`);
    return braced(`Map(${value.size})`, [...entries, ...more(value.size)]);
  }
  if (value instanceof Set) {
    const items = [...value].slice(0, MAX_ITEMS).map(inner);
    return braced(`Set(${value.size})`, [...items, ...more(value.size)]);
  }
  const fields = Object.entries(value).map(
    ([key, item]) => `${/^[\w$]+$/.test(key) ? key : quoted(key)}: ${inner(item)}`,
  );
  return braced(name === 'Object' ? '' : name, fields);
}

function className(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return '[Object: null prototype]';
  return value.constructor?.name ?? '';
}

/** The message, then the stack. */
export function errorText(error: Error): string {
  const head = error.message === '' ? error.name : `${error.name}: ${error.message}`;
  const places = (error.stack ?? '').trimEnd();
  const text = places.startsWith(head) || places === '' ? places || head : `${head}\n${places}`;
  return error.cause === undefined ? text : `${text} {\n  [cause]: ${inspect(error.cause, 1)}\n}`;
}

function more(length: number): string[] {
  return length > MAX_ITEMS ? [`... ${length - MAX_ITEMS} more ${length - MAX_ITEMS === 1 ? 'item' : 'items'}`] : [];
}

function braced(name: string, parts: readonly string[], open = '{', close = '}'): string {
  const start = name === '' ? open : `${name} ${open}`;
  if (parts.length === 0) return `${start}${close}`;
  const line = `${start} ${parts.join(', ')} ${close}`;
  if (line.length <= LINE_LENGTH && !line.includes('\n')) return line;
  return `${start}\n${parts.map((part) => `  ${part.replaceAll('\n', '\n  ')}`).join(',\n')}\n${close}`;
}
