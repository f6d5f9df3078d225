import { z } from 'zod';
// Named imports of the core: `z.core` as a value would pull all of zod, with its locales, into
// each route bundle.
import { $constructor } from 'zod/v4/core';

/**
 * JSON objects whose names the caller chooses. A body of 1 MiB may have 90,000 names. The values
 * come from `JSON.parse`, so those that are passed through need no validation.
 */

export type JsonValue = z.core.util.JSONType;

export const jsonValueSchema = z.unknown() as z.ZodType<JsonValue>;

interface NamesDef extends z.core.$ZodRecordDef {
  /** More names are rejected before any of them is parsed. */
  most: number;
  /** Passes the object through without a copy. */
  isPassedOn: boolean;
}

const NamesRecord = $constructor('NamesRecord', (record: z.ZodRecord<z.ZodString, z.ZodType>, def: NamesDef) => {
  z.ZodRecord.init(record, def);
  const parse = record._zod.parse;
  record._zod.parse = (payload, context) => {
    const { value } = payload;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return parse(payload, context);
    if (def.most !== Number.POSITIVE_INFINITY && Object.keys(value).length > def.most) {
      payload.issues.push({ code: 'too_big', origin: 'record', maximum: def.most, input: value, inst: record });
      return payload;
    }
    // zod's copy drops __proto__. Tool arguments and schemas keep it like any other name. Options
    // are assigned to other objects, where it would set a prototype, so they are copied.
    const isKept = def.isPassedOn && (def.most === Number.POSITIVE_INFINITY || !Object.hasOwn(value, '__proto__'));
    return isKept ? payload : parse(payload, context);
  };
});

function namesRecord<V extends z.ZodType>(valueType: V, most: number, isPassedOn: boolean) {
  const def: NamesDef = { type: 'record', keyType: z.string(), valueType, most, isPassedOn };
  return new NamesRecord(def) as z.ZodRecord<z.ZodString, V>;
}

/** An object of any size: JSON Schemas and tool arguments. */
export const jsonObjectSchema = namesRecord(jsonValueSchema, Number.POSITIVE_INFINITY, true);

/** An object of options or metadata: at most 200 names, more than any model server supports. */
export const smallObjectSchema = namesRecord(jsonValueSchema, 200, true);

/** An object of validated values, with at most `most` names. */
export function boundedRecord<V extends z.ZodType>(valueType: V, most: number) {
  return namesRecord(valueType, most, false);
}
