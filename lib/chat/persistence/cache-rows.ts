import type { Compilable, CompiledQuery } from 'kysely';
import type { ChatCacheEpochTable, ChatCacheTable } from '#lib/store/tables/chat-cache';
import type { Store } from '#lib/store/types';

/** A row without its value. */
export type CacheRow = Pick<ChatCacheTable, 'key' | 'kind' | 'bytes'>;

/** Which rows are deleted: of older epochs, expired ones, or the least recently used. */
export type DeletionReason = 'outdated' | 'expired' | 'excess';

/** The statements of the persistent cache, one small step each. */
export class CacheRows {
  readonly store: Store;
  #upsert: CompiledQuery | undefined;

  constructor(store: Store) {
    this.store = store;
  }

  /** Undefined before anything was stored. */
  async epoch(): Promise<Pick<ChatCacheEpochTable, 'epoch' | 'format'> | undefined> {
    const row = await this.store.db.selectFrom('chat_cache_epoch').select(['epoch', 'format']).executeTakeFirst();
    return row && { ...row, epoch: Number(row.epoch) };
  }

  setEpoch(epoch: number, format: string): Promise<void> {
    const row = { epoch, format };
    return this.store.write(
      this.store.db
        .insertInto('chat_cache_epoch')
        .values({ id: 1, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row)),
    );
  }

  async read(key: string): Promise<Pick<ChatCacheTable, 'kind' | 'epoch' | 'created_at' | 'value'> | undefined> {
    const row = await this.store.db
      .selectFrom('chat_cache')
      .select(['kind', 'epoch', 'created_at', 'value'])
      .where('key', '=', key)
      .executeTakeFirst();
    return row && { ...row, epoch: Number(row.epoch), created_at: Number(row.created_at) };
  }

  /** Rows of an epoch behind a key, by their keys. */
  page(epoch: number, after: string, limit: number): Promise<CacheRow[]> {
    return this.store.db
      .selectFrom('chat_cache')
      .select(['key', 'kind', 'bytes'])
      .where('epoch', '=', epoch)
      .where('key', '>', after)
      .orderBy('key')
      .limit(limit)
      .execute();
  }

  /** `before` is the current epoch, or the time of the oldest row that is not expired. */
  toDelete(reason: DeletionReason, before: number, limit: number): Promise<CacheRow[]> {
    const all = this.store.db.selectFrom('chat_cache').select(['key', 'kind', 'bytes']).limit(limit);
    const some =
      reason === 'outdated'
        ? all.where('epoch', '<', before)
        : reason === 'expired'
          ? all.where('created_at', '<', before).orderBy('created_at')
          : all.orderBy('used_at');
    return some.execute();
  }

  /** The statement is compiled once: it is written for each response of a model. */
  write(row: ChatCacheTable): Promise<void> {
    this.#upsert ??= this.#compileUpsert(row);
    const compiled = { ...this.#upsert, parameters: COLUMNS.map((column) => row[column]) };
    return this.#write({ compile: () => compiled });
  }

  #compileUpsert({ key, kind, epoch, created_at, used_at, bytes, value }: ChatCacheTable): CompiledQuery {
    return this.store.db
      .insertInto('chat_cache')
      .values({ key, kind, epoch, created_at, used_at, bytes, value })
      .onConflict((conflict) =>
        conflict.column('key').doUpdateSet(({ ref }) => ({
          kind: ref('excluded.kind'),
          epoch: ref('excluded.epoch'),
          created_at: ref('excluded.created_at'),
          used_at: ref('excluded.used_at'),
          bytes: ref('excluded.bytes'),
          value: ref('excluded.value'),
        })),
      )
      .compile();
  }

  touch(keys: readonly string[], usedAt: number): Promise<void> {
    return this.#write(this.store.db.updateTable('chat_cache').set({ used_at: usedAt }).where('key', 'in', keys));
  }

  /** A row that was written again after `toDelete` is neither outdated nor expired. */
  delete(keys: readonly string[], reason: DeletionReason, before: number): Promise<void> {
    const all = this.store.db.deleteFrom('chat_cache').where('key', 'in', keys);
    if (reason === 'excess') return this.#write(all);
    return this.#write(all.where(reason === 'outdated' ? 'epoch' : 'created_at', '<', before));
  }

  #write(statement: Compilable): Promise<void> {
    return this.store.write(statement);
  }
}

/** In the order of `#compileUpsert`. */
const COLUMNS = ['key', 'kind', 'epoch', 'created_at', 'used_at', 'bytes', 'value'] as const;

/** The first rows that have as many bytes together, or all. */
export function firstRows(rows: readonly CacheRow[], enough: number): readonly CacheRow[] {
  let bytes = 0;
  const last = rows.findIndex((row) => {
    bytes += Number(row.bytes);
    return bytes >= enough;
  });
  return last === -1 ? rows : rows.slice(0, last + 1);
}
