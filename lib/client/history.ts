import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { ChatMessage, Conversation } from '#lib/client/conversation';

interface Schema extends DBSchema {
  conversations: { key: string; value: Conversation };
  messages: { key: string; value: ChatMessage; indexes: { conversationId: string } };
}

/** The conversations of this browser, in its IndexedDB. Nothing of them is kept on the server. */
export interface History {
  conversations(): Promise<Conversation[]>;
  messages(conversationId: string): Promise<ChatMessage[]>;
  /** Writes all of it or nothing. */
  save(conversation: Conversation, messages: readonly ChatMessage[]): Promise<void>;
  remove(conversationId: string): Promise<void>;
  removeAll(): Promise<void>;
  /** The ids of the conversations in which a message holds every word of `query`, whatever the case. */
  search(query: string): Promise<Set<string>>;
}

const VERSION = 1;

export function openHistory(name = 'chill-space'): History {
  let opened: Promise<IDBPDatabase<Schema>> | undefined;
  const database = () => {
    opened ??= openDB<Schema>(name, VERSION, {
      upgrade(db) {
        db.createObjectStore('conversations', { keyPath: 'id' });
        db.createObjectStore('messages', { keyPath: 'id' }).createIndex('conversationId', 'conversationId');
      },
      // Another tab may bring a newer version, or the browser may close it: the next call opens it again.
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
    async conversations() {
      const all = await (await database()).getAll('conversations');
      return all.sort((a, b) => b.updatedAt - a.updatedAt);
    },

    async messages(conversationId) {
      const all = await (await database()).getAllFromIndex('messages', 'conversationId', conversationId);
      return all.sort((a, b) => a.createdAt - b.createdAt);
    },

    async save(conversation, messages) {
      const transaction = (await database()).transaction(['conversations', 'messages'], 'readwrite');
      const store = transaction.objectStore('messages');
      await Promise.all([
        transaction.objectStore('conversations').put(conversation),
        ...messages.map((message) => store.put(message)),
        transaction.done,
      ]);
    },

    async remove(conversationId) {
      const transaction = (await database()).transaction(['conversations', 'messages'], 'readwrite');
      const store = transaction.objectStore('messages');
      const keys = await store.index('conversationId').getAllKeys(conversationId);
      await Promise.all([
        transaction.objectStore('conversations').delete(conversationId),
        ...keys.map((key) => store.delete(key)),
        transaction.done,
      ]);
    },

    async removeAll() {
      const transaction = (await database()).transaction(['conversations', 'messages'], 'readwrite');
      await Promise.all([
        transaction.objectStore('conversations').clear(),
        transaction.objectStore('messages').clear(),
        transaction.done,
      ]);
    },

    async search(query) {
      const words = query.toLowerCase().split(/\s+/).filter(Boolean);
      const found = new Set<string>();
      let cursor = await (await database()).transaction('messages').store.openCursor();
      while (cursor !== null) {
        const { conversationId, content } = cursor.value;
        const text = content.toLowerCase();
        if (!found.has(conversationId) && words.every((word) => text.includes(word))) found.add(conversationId);
        cursor = await cursor.continue();
      }
      return found;
    },
  };
}
