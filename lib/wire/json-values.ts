import { z } from 'zod';
// From the core itself: `z.core` as a value would take all of zod, with 50 languages, into each bundle.
import { $constructor } from 'zod/v4/core';

/**
 * Objects of a JSON body with names of the caller's own, of which a body of 1 MiB may hold 90,000.
 * They were parsed from JSON, so what is passed on as it is needs no check inside.
 */

export type JsonValue = z.core.util.JSONType;

export const jsonValueSchema = z.unknown() as z.ZodType<JsonValue>;

interface NamesDef extends z.core.$ZodRecordDef {
  /** More names are refused before anything is done for each of them. */
  most: number;
  /** Whether the object is passed on as it is, without a copy. */
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
    // zod's copy leaves __proto__ out. Arguments and schemas keep it, as any other name that a
    // model or a tool gave; settings are assigned to other objects, where it would set a prototype.
    const isKept = def.isPassedOn && (def.most === Number.POSITIVE_INFINITY || !Object.hasOwn(value, '__proto__'));
    return isKept ? payload : parse(payload, context);
  };
});

function namesRecord<V extends z.ZodType>(valueType: V, most: number, isPassedOn: boolean) {
  const def: NamesDef = { type: 'record', keyType: z.string(), valueType, most, isPassedOn };
  return new NamesRecord(def) as z.ZodRecord<z.ZodString, V>;
}

/** An object of any size, as JSON Schemas and the arguments of tools are. */
export const jsonObjectSchema = namesRecord(jsonValueSchema, Number.POSITIVE_INFINITY, true);

/** An object of settings or notes: at most 200 names, far more than any model server knows. */
export const smallObjectSchema = namesRecord(jsonValueSchema, 200, true);

/** An object whose values are checked, of at most `most` names. */
export function boundedRecord<V extends z.ZodType>(valueType: V, most: number) {
  return namesRecord(valueType, most, false);
}
