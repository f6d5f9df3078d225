import type { z } from 'zod';

/** Limit of field names in a description of an object. */
const MOST_NAMES = 6;
/** Limits of names from the request that are repeated, and of their length. */
const MOST_SHOWN = 20;
const MOST_NAME_CHARACTERS = 64;
/** Nesting limit of described arrays and unions. */
const DEEPEST = 3;

type RawIssue = z.core.$ZodRawIssue;
type AnySchema = z.core.$ZodTypes;

/**
 * Error map of zod for request bodies: says what a field must be, as the end of a sentence that
 * begins with the field's name. A schema's own message takes precedence.
 */
export function validationMessage(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type': {
      const expected = describeIssue(issue);
      if (issue.input === undefined) return `is required: ${expected}`;
      const given = kindOf(issue.input);
      return given === 'a number' && expected.endsWith('number')
        ? `must be ${expected}`
        : `must be ${expected}, not ${given}`;
    }
    case 'invalid_value':
      return `${issue.input === undefined ? 'is required:' : 'must be'} ${oneOf(issue.values)}`;
    case 'invalid_union':
      if (issue.options !== undefined && Array.isArray(issue.options)) return `must be ${oneOf(issue.options)}`;
      return `${issue.input === undefined ? 'is required:' : 'must be'} ${describeIssue(issue)}`;
    case 'invalid_format':
      return `must be ${FORMATS[issue.format] ?? 'written as the documentation says'}`;
    case 'too_small':
      return tooSmall(issue.origin, Number(issue.minimum), issue.inclusive !== false);
    case 'too_big':
      return tooBig(issue.origin, Number(issue.maximum), issue.inclusive !== false);
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`;
    case 'unrecognized_keys':
      return `must not have ${listed(shortened(issue.keys), 'and')}`;
    case 'invalid_key':
      return 'has a name that is not allowed';
    default:
      return 'is not valid';
  }
}

const FORMATS: Record<string, string> = {
  base64: 'base64',
  email: 'an e-mail address',
  url: 'a URL',
  uuid: 'a UUID',
  datetime: 'a date and time as in 2026-01-31T12:00:00Z',
};

function tooSmall(origin: string, least: number, inclusive: boolean): string {
  if (origin === 'string') return least === 1 ? 'must not be empty' : `must have at least ${least} characters`;
  if (origin === 'array' || origin === 'set')
    return least === 1 ? 'must not be empty' : `must have at least ${least} entries`;
  return inclusive ? `must be at least ${least}` : `must be above ${least}`;
}

function tooBig(origin: string, most: number, inclusive: boolean): string {
  if (origin === 'string') return `must have at most ${most} characters`;
  if (origin === 'array' || origin === 'set') return `must have at most ${most} entries`;
  if (origin === 'record') return `must have at most ${most} names`;
  return inclusive ? `must be at most ${most}` : `must be below ${most}`;
}

function describeIssue(issue: RawIssue): string {
  if (issue.code === 'invalid_type' && issue.expected === 'int') return 'a whole number';
  const schema = issue.inst;
  if (schema === undefined || !isSchema(schema)) return 'a value of another kind';
  let words = described.get(schema);
  if (words === undefined) {
    words = describe(schema, 0);
    described.set(schema, words);
  }
  return words;
}

/** Cache: every entry of a long array may have the same issue. */
const described = new WeakMap<AnySchema, string>();

function isSchema(inst: z.core.$ZodType | z.core.$ZodCheck): inst is AnySchema {
  return 'def' in inst._zod && 'type' in inst._zod.def;
}

/** Describes a schema: "a list of objects with role and content". */
function describe(given: z.core.$ZodType, depth: number): string {
  if (!isSchema(given) || depth > DEEPEST) return 'a value of another kind';
  const { def } = given._zod;
  switch (def.type) {
    case 'string':
      return ('format' in def && typeof def.format === 'string' ? FORMATS[def.format] : undefined) ?? 'a string';
    case 'number':
      return 'format' in def && String(def.format).includes('int') ? 'a whole number' : 'a number';
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    case 'array':
      return `a list of ${describeMany(def.element, depth + 1)}`;
    case 'object':
      return `an object${withNames(def.shape)}`;
    case 'record':
      return 'an object';
    case 'enum':
      return oneOf(Object.values(def.entries));
    case 'literal':
      return oneOf(def.values);
    case 'union':
      return listed([...new Set(def.options.flatMap((option) => alternatives(option, depth + 1)))], 'or');
    case 'lazy':
    case 'any':
    case 'unknown':
      return 'a JSON value';
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return describe(def.innerType, depth);
    case 'pipe':
      return describe(def.in, depth);
    default:
      return 'a value of another kind';
  }
}

/** Describes each alternative of a union or enum. */
function alternatives(given: z.core.$ZodType, depth: number): string[] {
  if (!isSchema(given)) return [describe(given, depth)];
  const { def } = given._zod;
  if (def.type === 'boolean') return ['true', 'false'];
  if (def.type === 'enum') return Object.values(def.entries).map(quoted);
  if (def.type === 'literal') return def.values.map(quoted);
  if (def.type === 'union') return def.options.flatMap((option) => alternatives(option, depth + 1));
  return [describe(given, depth)];
}

function describeMany(given: z.core.$ZodType, depth: number): string {
  const one = describe(given, depth);
  const named = /^(?:a|an) (string|number|whole number|object|list)(?=$| with | of )/.exec(one);
  if (named === null) return one.includes(' or ') ? `entries that are ${one}` : one;
  return `${named[1]}s${one.slice(named[0].length)}`;
}

function withNames(shape: Record<string, z.core.$ZodType>): string {
  const required = Object.entries(shape).filter(([, schema]) => schema._zod.optin === undefined);
  if (required.length === 0 || required.length > MOST_NAMES) return '';
  return ` with ${listed(
    required.map(([name]) => name),
    'and',
  )}`;
}

function oneOf(values: readonly unknown[]): string {
  return listed(values.map(quoted), 'or');
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}

/** Shortens names from the request, of which there may be thousands. */
function shortened(names: readonly string[]): string[] {
  const shown = names.slice(0, MOST_SHOWN).map((name) => name.slice(0, MOST_NAME_CHARACTERS));
  return names.length > MOST_SHOWN ? [...shown, `${names.length - MOST_SHOWN} more`] : shown;
}

/** "a, b or c" */
function listed(words: readonly string[], last: 'and' | 'or'): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'a string';
    case 'number':
      return 'a number';
    case 'boolean':
      return 'true or false';
    default:
      return 'an object';
  }
}
