/**
 * Requests may spell a field in camelCase (`systemPrompt`) where the wire name is snake_case (`system_prompt`): callers
 * of older Node routes do (SPEC §1). The snake_case spelling wins where both are there.
 * Only the names in `fields` are touched, and only at the top level.
 */
export function acceptCamelCase(body: unknown, fields: readonly string[]): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  let result: Record<string, unknown> | undefined;
  for (const field of fields) {
    const camel = toCamelCase(field);
    if (camel === field || !Object.hasOwn(body, camel) || Object.hasOwn(body, field)) continue;
    result ??= { ...body };
    result[field] = result[camel];
    delete result[camel];
  }
  return result ?? body;
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
