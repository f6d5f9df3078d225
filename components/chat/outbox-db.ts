import type { DBSchema } from 'idb';
import { lazyDatabase } from '#lib/browser/lazy-database';
import { hasFlag, removeFlag, setFlag } from './outbox-flag.ts';
import type { OutboxStorage } from './outbox-writes.ts';
import type { QueuedMessage } from './queued-message.ts';

interface OutboxSchema extends DBSchema {
  messages: { key: string; value: QueuedMessage };
}

const DB_NAME = 'chill-space-outbox';

/** Waiting messages of all tabs, with their images and files, in IndexedDB. */
export function openOutbox(): OutboxStorage {
  const database = lazyDatabase<OutboxSchema>(DB_NAME, 1, (db) => {
    db.createObjectStore('messages', { keyPath: 'id' });
  });
  return {
    async all() {
      if (!hasFlag()) return [];
      const messages = await (await database()).getAll('messages');
      if (messages.length > 0) return messages;
      removeFlag();
      // Another tab may have written one before the flag was removed.
      const late = await (await database()).getAll('messages');
      if (late.length > 0) setFlag();
      return late;
    },
    async put(message) {
      setFlag();
      await (await database()).put('messages', message);
      // Another tab may have found the database empty meanwhile.
      setFlag();
    },
    async update(message) {
      const transaction = (await database()).transaction('messages', 'readwrite');
      const stored = await transaction.store.get(message.id);
      if (stored?.page === message.page) await transaction.store.put(message);
      await transaction.done;
    },
    async reassign(from, to, held) {
      const transaction = (await database()).transaction('messages', 'readwrite');
      const left = (await transaction.store.getAll()).filter(({ page }) => page === from);
      const taken = left.map((message) => ({ ...message, page: to, held: held ?? message.held }));
      for (const message of taken) await transaction.store.put(message);
      await transaction.done;
      return taken;
    },
    async owner(id) {
      return (await (await database()).get('messages', id))?.page;
    },
    async remove(id) {
      await (await database()).delete('messages', id);
    },
  };
}
