import type { Compilable } from 'kysely';
import { z } from 'zod';
import type { AuditActor } from '#lib/http/audit';
import type { Store } from '#lib/store/store';

/**
 * What administrators changed while the server runs, in the table `settings`: settings by their
 * names, `banner`, `model/<id>` and `backend/<id>`; and `version/<kind>`, see `change-versions.ts`.
 */

/** Names of rows that are no settings. */
export const BANNER_NAME = 'banner';
export const MODEL_PREFIX = 'model/';
export const BACKEND_PREFIX = 'backend/';

const storedSchema = z.object({ value: z.unknown(), by: z.string().nullable() });

export interface ChangedValue {
  readonly name: string;
  readonly value: unknown;
  /** The name of who changed it. */
  readonly by: string | null;
  readonly atMs: number;
}

/** All values. A row that cannot be read is left out: it would keep the server from starting. */
export async function readStoredValues({ db }: Pick<Store, 'db'>): Promise<ChangedValue[]> {
  const rows = await db.selectFrom('settings').select(['name', 'value', 'updated_at']).execute();
  return rows.flatMap(({ name, value, updated_at: at }) => {
    const stored = storedSchema.safeParse(parse(value));
    return stored.success ? [{ name, value: stored.data.value, by: stored.data.by, atMs: Number(at) }] : [];
  });
}

/** Stores a value, or removes it if undefined. */
export function storeStatement({ db }: Pick<Store, 'db'>, name: string, value: unknown, actor: AuditActor): Compilable {
  if (value === undefined) return db.deleteFrom('settings').where('name', '=', name);
  const row = {
    value: JSON.stringify({ value, by: actor.name }),
    updated_at: Date.now(),
    updated_by: actor.caller,
  };
  return db
    .insertInto('settings')
    .values({ name, ...row })
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
