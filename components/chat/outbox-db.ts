import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { OutboxStorage, QueuedMessage } from './outbox-store.ts';

interface OutboxSchema extends DBSchema {
  messages: { key: string; value: QueuedMessage };
}

const DB_NAME = 'chill-space-outbox';
/** Set while the database may hold something: a page without waiting messages opens none. */
const FLAG = 'outbox';

/** Waiting messages of all tabs, with their images and files, in IndexedDB. */
export function openOutbox(): OutboxStorage {
  let opened: Promise<IDBPDatabase<OutboxSchema>> | undefined;
  const database = () => {
    opened ??= openDB<OutboxSchema>(DB_NAME, 1, {
      upgrade: (db) => void db.createObjectStore('messages', { keyPath: 'id' }),
      blocking: (_current, _blocked, event) => {
        opened = undefined;
        if (event.target instanceof IDBDatabase) event.target.close();
      },
      terminated: () => {
        opened = undefined;
      },
    });
    return opened;
  };
  return {
    async all() {
      if (localStorage.getItem(FLAG) === null) return [];
      const messages = await (await database()).getAll('messages');
      if (messages.length === 0) localStorage.removeItem(FLAG);
      return messages;
    },
    async put(message) {
      localStorage.setItem(FLAG, '1');
      await (await database()).put('messages', message);
    },
    async remove(id) {
      await (await database()).delete('messages', id);
    },
  };
}
