import type { DBSchema } from 'idb';
import { lazyDatabase } from '#lib/browser/lazy-database';
import type { ChatImage, ChatMessage, Conversation } from './conversation.ts';
import type { MessageHit, SearchableMessage } from './message-search.ts';
import { HISTORY_DB_NAME } from './preopen-history-db.ts';
import { fromStored, IMAGE_FIELD, IMAGES_FIELD, type StoredMessage, toStored } from './stored-message.ts';
import type { AttachedFile } from './text-files.ts';

interface HistorySchema extends DBSchema {
  conversations: { key: string; value: Conversation };
  messages: { key: string; value: StoredMessage; indexes: { conversationId: string } };
  attachments: { key: number; value: StoredAttachment; indexes: { chat: string; [IMAGE_FIELD]: string } };
}

/**
 * An unsent image or text file. Keys are auto-incremented, so order by key is order of attachment.
 */
interface StoredAttachment {
  /** A conversation's id, or `NEW_CHAT`. */
  chat: string;
  /** The page that owns it: each load of the app creates an id. */
  page: string;
  [IMAGE_FIELD]: Attachment;
}

/** The chat that has no id yet. */
export const NEW_CHAT = 'new';

/** The conversations of this browser, in IndexedDB. The server stores none of them. */
export interface ChatHistory {
  conversations(): Promise<Conversation[]>;
  messages(conversationId: string): Promise<ChatMessage[]>;
  /** Writes everything in one transaction. */
  save(conversation: Conversation, messages: readonly ChatMessage[], removedIds?: readonly string[]): Promise<void>;
  remove(conversationId: string): Promise<void>;
  removeAll(): Promise<void>;
}

/** Search in the messages of all conversations. */
export interface HistorySearch {
  /** See `searchMessages`. */
  search(
    query: string,
    options?: { signal?: AbortSignal; within?: ReadonlySet<string> },
  ): Promise<Map<string, MessageHit>>;
}

/** Everything that is stored of one conversation. */
export interface StoredConversation {
  conversation: Conversation;
  messages: readonly StoredMessage[];
  attachments: readonly StoredAttachment[];
}

/** Undo of a deletion. */
export interface HistoryUndo {
  /** Deletes a conversation and returns what was stored of it; undefined if nothing was. */
  take(conversationId: string): Promise<StoredConversation | undefined>;
  putBack(stored: StoredConversation): Promise<void>;
}

/** An image or a file of a question. */
export type Attachment = ChatImage | AttachedFile;

/** The most attachments of each kind. */
export interface FreeSlots {
  images: number;
  files: number;
}

/** Attachments that were not sent yet. They are deleted with their conversation. */
export interface StoredAttachments {
  /** Does nothing if the chat was deleted. */
  attach(chat: string, page: string, attachment: Attachment): Promise<void>;
  detach(ids: readonly string[]): Promise<void>;
  /** Ids of the pages that own attachments of the chat. */
  ownerPages(chat: string): Promise<string[]>;
  /**
   * Reassigns at most `most` attachments from the page `from` to the page `to`, in order of
   * attachment.
   */
  reassign(chat: string, from: string, to: string, most: FreeSlots): Promise<Attachment[]>;
}

const VERSION = 2;

export function openHistory(name = HISTORY_DB_NAME): ChatHistory & StoredAttachments & HistorySearch & HistoryUndo {
  const database = lazyDatabase<HistorySchema>(name, VERSION, (db, from) => {
    if (from < 1) {
      db.createObjectStore('conversations', { keyPath: 'id' });
      db.createObjectStore('messages', { keyPath: 'id' }).createIndex('conversationId', 'conversationId');
    }
    if (from < 2) {
      const attachments = db.createObjectStore('attachments', { autoIncrement: true });
      attachments.createIndex('chat', 'chat');
      attachments.createIndex(IMAGE_FIELD, `${IMAGE_FIELD}.id`);
    }
  });

  return {
    async conversations() {
      const all = await (await database()).getAll('conversations');
      return all.sort((a, b) => b.updatedAt - a.updatedAt);
    },

    async messages(conversationId) {
      const all = await (await database()).getAllFromIndex('messages', 'conversationId', conversationId);
      return all.map(fromStored).sort((a, b) => a.createdAt - b.createdAt);
    },

    async save(conversation, messages, removedIds = []) {
      const transaction = (await database()).transaction(['conversations', 'messages'], 'readwrite');
      const store = transaction.objectStore('messages');
      await Promise.all([
        transaction.objectStore('conversations').put(conversation),
        ...messages.map((message) => store.put(toStored(message))),
        ...removedIds.map((id) => store.delete(id)),
        transaction.done,
      ]);
    },

    async remove(conversationId) {
      const transaction = (await database()).transaction(ALL, 'readwrite');
      const messages = transaction.objectStore('messages');
      const attachments = transaction.objectStore('attachments');
      const [messageKeys, attachmentKeys] = await Promise.all([
        messages.index('conversationId').getAllKeys(conversationId),
        attachments.index('chat').getAllKeys(conversationId),
      ]);
      await Promise.all([
        transaction.objectStore('conversations').delete(conversationId),
        ...messageKeys.map((key) => messages.delete(key)),
        ...attachmentKeys.map((key) => attachments.delete(key)),
        transaction.done,
      ]);
    },

    async removeAll() {
      const transaction = (await database()).transaction(ALL, 'readwrite');
      await Promise.all([...ALL.map((store) => transaction.objectStore(store).clear()), transaction.done]);
    },

    async search(query, options) {
      const [db, { searchMessages }] = await Promise.all([database(), import('./message-search.ts')]);
      const read = async (after: string | undefined, count: number) => {
        const range = after === undefined ? null : IDBKeyRange.lowerBound(after, true);
        return (await db.getAll('messages', range, count)).map(toSearchable);
      };
      return searchMessages(read, query, options);
    },

    async take(conversationId) {
      const transaction = (await database()).transaction(ALL, 'readwrite');
      const conversations = transaction.objectStore('conversations');
      const messages = transaction.objectStore('messages');
      const attachments = transaction.objectStore('attachments');
      const [conversation, storedMessages, messageKeys, storedAttachments, attachmentKeys] = await Promise.all([
        conversations.get(conversationId),
        messages.index('conversationId').getAll(conversationId),
        messages.index('conversationId').getAllKeys(conversationId),
        attachments.index('chat').getAll(conversationId),
        attachments.index('chat').getAllKeys(conversationId),
      ]);
      await Promise.all([
        conversations.delete(conversationId),
        ...messageKeys.map((key) => messages.delete(key)),
        ...attachmentKeys.map((key) => attachments.delete(key)),
        transaction.done,
      ]);
      if (conversation === undefined) return undefined;
      return { conversation, messages: storedMessages, attachments: storedAttachments };
    },

    async putBack({ conversation, messages, attachments }) {
      const transaction = (await database()).transaction(ALL, 'readwrite');
      await Promise.all([
        transaction.objectStore('conversations').put(conversation),
        ...messages.map((message) => transaction.objectStore('messages').put(message)),
        ...attachments.map((attachment) => transaction.objectStore('attachments').add(attachment)),
        transaction.done,
      ]);
    },

    async attach(chat, page, attachment) {
      const transaction = (await database()).transaction(['conversations', 'attachments'], 'readwrite');
      const isThere = chat === NEW_CHAT || (await transaction.objectStore('conversations').getKey(chat)) !== undefined;
      if (isThere) await transaction.objectStore('attachments').add({ chat, page, [IMAGE_FIELD]: attachment });
      await transaction.done;
    },

    async detach(ids) {
      const transaction = (await database()).transaction('attachments', 'readwrite');
      const byId = transaction.store.index(IMAGE_FIELD);
      const keys = await Promise.all(ids.map((id) => byId.getKey(id)));
      await Promise.all([
        ...keys.map((key) => (key === undefined ? undefined : transaction.store.delete(key))),
        transaction.done,
      ]);
    },

    async ownerPages(chat) {
      const all = await (await database()).getAllFromIndex('attachments', 'chat', chat);
      return [...new Set(all.map(({ page }) => page))];
    },

    async reassign(chat, from, to, most) {
      const transaction = (await database()).transaction('attachments', 'readwrite');
      const taken: Attachment[] = [];
      const left = { ...most };
      let cursor = await transaction.store.index('chat').openCursor(chat);
      while (cursor !== null) {
        const attachment: Attachment = cursor.value[IMAGE_FIELD];
        const kind = attachment.type === 'text' ? 'files' : 'images';
        if (cursor.value.page === from && left[kind] > 0) {
          left[kind] -= 1;
          taken.push(attachment);
          await cursor.update({ ...cursor.value, page: to });
        }
        cursor = await cursor.continue();
      }
      await transaction.done;
      return taken;
    },
  };
}

/** Without the images, whose memory is then free. */
function toSearchable(message: StoredMessage): SearchableMessage {
  const { id, conversationId, createdAt } = message;
  const images = message.role === 'user' ? (message[IMAGES_FIELD] ?? []) : [];
  const files = message.role === 'user' ? (message.files ?? []) : [];
  // The text first: a snippet shows its match rather than one in a file.
  const content = [message.content, ...files.flatMap(({ name, text }) => [name, text])].join('\n');
  const size = images.reduce((sum, { data }) => sum + data.length, content.length);
  return { id, conversationId, content, createdAt, size };
}

const ALL = ['conversations', 'messages', 'attachments'] as const;
