/**
 * Requests may spell a field in camelCase (`systemPrompt`) where the wire name is snake_case (`system_prompt`): callers
 * of older Node routes do (SPEC §1). The snake_case spelling wins where both are there.
 * Only the names in `fields` are touched, and only at the top level. Where one is, the answer is a
 * copy, with the first 100 of the names that have no meaning.
 */
export function acceptCamelCase(body: unknown, fields: readonly string[]): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
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

/** Names without a meaning are only reported, and never so many of them. */
const MAX_OTHERS = 100;

function shortCopy(body: object, fields: readonly string[]): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const field of fields)
    for (const name of [field, toCamelCase(field)]) if (Object.hasOwn(body, name)) copy[name] = Reflect.get(body, name);
  for (const name of Object.keys(body).slice(0, fields.length + MAX_OTHERS))
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
