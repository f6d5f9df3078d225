import type { ChatStore } from './chat-store.ts';
import { type ChatMessage, EMPTY_THREAD, newestLeafBelow, type Thread, versionsOf } from './conversation.ts';

/** Messages that are deleted together. */
export type DeletionScope =
  /** A question and its responses; what followed moves up to the message before. */
  | 'pair'
  /** A message and everything below it. */
  | 'below';

/** Deletes messages at once. Returns the function that brings them back. */
export function deleteMessages(
  store: ChatStore,
  conversationId: string,
  messageId: string,
  scope: DeletionScope,
): () => void {
  const thread = () => store.state().threads.get(conversationId) ?? EMPTY_THREAD;
  const conversation = store.state().conversations.find(({ id }) => id === conversationId);
  if (conversation === undefined) return () => undefined;
  const deletion = planDeletion(thread(), conversation.leafId, messageId, scope);
  if (deletion.removed.length === 0) return () => undefined;
  const ids = deletion.removed.map(({ id }) => id);
  for (const id of ids) {
    store.stop(conversationId, id);
    store.cancelRetry(id);
  }
  const stopped = thread();
  const kept = ids.map((id) => stopped.get(id)).filter((message) => message !== undefined);
  const parents = formerParentsOf(store);
  parents.remember(deletion);
  const moved = deletion.moved.map(({ after }) => after);
  store.changeThread(conversationId, deletion.leafId, moved, ids);
  return () => {
    // The thread may have changed since: other deletions, other undos, new questions.
    const put = parents.putBack(thread(), kept);
    const next = new Map([...thread(), ...put.map((message) => [message.id, message] as const)]);
    const { leafId } = conversation;
    const shownId = leafId !== null && next.has(leafId) ? leafId : kept[0]?.id;
    store.changeThread(conversationId, shownId === undefined ? null : newestLeafBelow(next, shownId), put);
  };
}

/** A deletion as data, so that it can be undone. */
export interface Deletion {
  removed: readonly ChatMessage[];
  /** Messages with another parent than before, as they were and as they are. */
  moved: readonly { before: ChatMessage; after: ChatMessage }[];
  /** The leaf to show afterwards; null if no message is left. */
  leafId: string | null;
}

/** Plans a deletion without changing the thread. */
export function planDeletion(thread: Thread, shownLeafId: string | null, id: string, scope: DeletionScope): Deletion {
  const target = thread.get(id);
  if (target === undefined) return { removed: [], moved: [], leafId: shownLeafId };
  const below = descendants(thread, id);
  const isPair = scope === 'pair' && target.role === 'user';
  const removed = isPair ? [target, ...below.filter((message) => message.parentId === id)] : [target, ...below];
  const removedIds = new Set(removed.map((message) => message.id));
  const moved = below
    .filter((message) => !removedIds.has(message.id) && removedIds.has(message.parentId ?? ''))
    .map((before) => ({ before, after: { ...before, parentId: target.parentId } }));
  const rest = new Map([...thread].filter(([key]) => !removedIds.has(key)));
  for (const { after } of moved) rest.set(after.id, after);
  const isShown = shownLeafId !== null && rest.has(shownLeafId);
  return { removed, moved, leafId: isShown ? shownLeafId : leafAfter(rest, target) };
}

/**
 * The parents that messages had before deletions removed them or moved them up. Undoing deletions
 * in any order leads back to the tree that was there before.
 */
class FormerParents {
  readonly #parents = new Map<string, string | null>();

  /** Call before a deletion. */
  remember({ removed, moved }: Pick<Deletion, 'removed' | 'moved'>): void {
    for (const { id, parentId } of [...removed, ...moved.map(({ before }) => before)])
      if (!this.#parents.has(id)) this.#parents.set(id, parentId);
  }

  /**
   * The messages of `thread` to write for `removed` to be back: these, and those that move down
   * again. Each one hangs below the nearest of its former ancestors that exists.
   */
  putBack(thread: Thread, removed: readonly ChatMessage[]): ChatMessage[] {
    const back = removed.filter(({ id }) => !thread.has(id));
    const all = new Map([...thread, ...back.map((message) => [message.id, message] as const)]);
    const ids = new Set(back.map(({ id }) => id));
    return [...all.values()].flatMap((message) => {
      const parentId = this.#nearest(all, message);
      return parentId !== message.parentId || ids.has(message.id) ? [{ ...message, parentId }] : [];
    });
  }

  #nearest(thread: Thread, { id, parentId: now }: ChatMessage): string | null {
    let parentId = this.#parents.has(id) ? (this.#parents.get(id) ?? null) : now;
    while (parentId !== null && !thread.has(parentId)) parentId = this.#parents.get(parentId) ?? null;
    return parentId;
  }
}

const formerParents = new WeakMap<ChatStore, FormerParents>();

/** One for all deletions of a store: they may be undone in any order. */
function formerParentsOf(store: ChatStore): FormerParents {
  const known = formerParents.get(store) ?? new FormerParents();
  formerParents.set(store, known);
  return known;
}

/** The newest leaf of another version, else of what stood before, else of the whole thread. */
function leafAfter(rest: Thread, target: ChatMessage): string | null {
  const version = versionsOf(rest, target).at(-1);
  if (version !== undefined) return newestLeafBelow(rest, version.id);
  return target.parentId !== null && rest.has(target.parentId) ? newestLeafBelow(rest, target.parentId) : null;
}

function descendants(thread: Thread, id: string): ChatMessage[] {
  const children = Map.groupBy(thread.values(), (message: ChatMessage) => message.parentId);
  const found = new Set<ChatMessage>();
  for (let level = children.get(id) ?? []; level.length > 0; ) {
    for (const message of level) found.add(message);
    // Stored parents may form a cycle.
    level = level
      .flatMap((message) => children.get(message.id) ?? [])
      .filter((message) => message.id !== id && !found.has(message));
  }
  return [...found];
}
