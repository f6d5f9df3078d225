/**
 * Accepts camelCase spellings (`systemPrompt`) of snake_case fields (`system_prompt`): callers of
 * the older Node routes send them. If both are present, snake_case wins. Only top-level names in
 * `fields` are renamed. A renamed body is a copy with at most 100 unknown names.
 */
export function acceptCamelCase(body: unknown, fields: readonly string[]): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  // Fewer names than fields have to be looked at.
  if (!Object.keys(body).some((name) => CAPITAL.test(name))) return body;
  let result: Record<string, unknown> | undefined;
  for (const field of fields) {
    const camel = toCamelCase(field);
    if (camel === field || !Object.hasOwn(body, camel) || Object.hasOwn(body, field)) continue;
    result ??= shortCopy(body, fields);
    result[field] = result[camel];
    delete result[camel];
  }
  return result ?? body;
}

/** A camelCase spelling has one. */
const CAPITAL = /[A-Z]/;

/** Unknown names are only reported, and the report is shorter. */
const MAX_UNKNOWN_NAMES = 100;

function shortCopy(body: object, fields: readonly string[]): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const field of fields)
    for (const name of [field, toCamelCase(field)]) if (Object.hasOwn(body, name)) copy[name] = Reflect.get(body, name);
  for (const name of Object.keys(body).slice(0, fields.length + MAX_UNKNOWN_NAMES))
    if (name !== '__proto__') copy[name] = Reflect.get(body, name);
  return copy;
}

const spellings = new Map<string, string>();

function toCamelCase(name: string): string {
  let camel = spellings.get(name);
  if (camel === undefined) {
    camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    spellings.set(name, camel);
  }
  return camel;
}
