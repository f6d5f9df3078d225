/** A message that the chat page shows next, because the reader chose it from search results. */
export interface SearchTarget {
  conversationId: string;
  messageId: string;
  /** The words to mark in the message. */
  query: string;
}

let target: SearchTarget | undefined;
const listeners = new Set<() => void>();

/** Call before navigating to the conversation. */
export function aimAt(next: SearchTarget): void {
  target = next;
  for (const listener of listeners) listener();
}

export function currentTarget(): SearchTarget | undefined {
  return target;
}

/** The target was shown. Its address becomes the conversation's, so that a reload does not jump. */
export function clearTarget(conversationId: string): void {
  if (target?.conversationId === conversationId) target = undefined;
  if (location.hash.startsWith('#m=')) history.replaceState(null, '', location.pathname + location.search);
}

export function onTarget(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The address of a conversation, and of a message in it for a new tab. */
export function chatAddress(conversationId: string, hit?: { messageId: string; query: string }): string {
  const address = `/?c=${encodeURIComponent(conversationId)}`;
  if (hit === undefined) return address;
  return `${address}#${new URLSearchParams({ m: hit.messageId, q: hit.query }).toString()}`;
}

/** The conversation in the address, which the view follows a moment later. */
export const addressedChat = (): string | null => new URLSearchParams(location.search).get('c');

/** Reads the target from the address of a new tab. */
export function takeTargetFromAddress(): void {
  const conversationId = addressedChat();
  const hash = new URLSearchParams(location.hash.slice(1));
  const messageId = hash.get('m');
  if (conversationId !== null && messageId !== null) target = { conversationId, messageId, query: hash.get('q') ?? '' };
}
