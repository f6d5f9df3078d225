import type { ResponseStream, StreamRequest } from './chat-api.ts';
import type { ChatImage, ChatSettings, Conversation, ModelCapabilities, Thread } from './conversation.ts';
import type { ChatHistory } from './history-db.ts';

/** What the chat page shows, and what it needs from the world. */
export interface ChatState {
  /** False until the history was read. */
  ready: boolean;
  /** Newest first. */
  conversations: readonly Conversation[];
  /** The messages of the conversations that were opened. */
  threads: ReadonlyMap<string, Thread>;
  /** True where the browser keeps nothing: the conversation lasts as long as the page. */
  unsaved: boolean;
}

/** Everything that touches the world, so that the rules can be tested without it. */
export interface ChatEffects {
  history: ChatHistory;
  ask(asking: StreamRequest, signal: AbortSignal): Promise<ResponseStream>;
  resume(requestId: string, lastEventId: string | undefined, signal: AbortSignal): Promise<ResponseStream>;
  cancel(requestId: string): Promise<void>;
  now(): number;
  newId(): string;
  /** Calls back before the next paint, or soon where nothing is painted. */
  nextFrame(callback: () => void): void;
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Tells the other tabs that a conversation changed. */
  announce(conversationId: string): void;
}

/** The model that is to answer, null for the server's default, and what it can do. */
export interface ModelChoice {
  model: string | null;
  capabilities: ModelCapabilities;
}

export interface NewQuestion extends ModelChoice {
  /** Null begins a conversation. */
  conversationId: string | null;
  text: string;
  images?: readonly ChatImage[];
  /** For a conversation that begins; a later change goes through `configure`. */
  settings?: ChatSettings;
}

export const INITIAL_STATE: ChatState = { ready: false, conversations: [], threads: new Map(), unsaved: false };

/** Both lists as one; of a conversation that is in both, the first one's form. */
export function newestFirst(first: readonly Conversation[], second: readonly Conversation[]): Conversation[] {
  const ids = new Set(first.map(({ id }) => id));
  return [...first, ...second.filter(({ id }) => !ids.has(id))].sort((a, b) => b.updatedAt - a.updatedAt);
}
