import type { ResponseStream, StreamRequest } from './chat-api.ts';
import type {
  AssistantMessage,
  ChatImage,
  ChatSettings,
  Conversation,
  ModelCapabilities,
  Thread,
} from './conversation.ts';
import type { ChatHistory } from './history-db.ts';
import type { ChatFile } from './text-files.ts';

/** State of the chat page. */
export interface ChatState {
  /** False until the history has been read. */
  ready: boolean;
  /** Newest first. */
  conversations: readonly Conversation[];
  /** Messages by id, of the conversations that were opened. */
  threads: ReadonlyMap<string, Thread>;
  /** True if the browser cannot store conversations: they last as long as the page. */
  unsaved: boolean;
  /** This page's work on a response, by its id. Not stored. */
  activity: ReadonlyMap<string, ResponsePhase>;
}

export type ResponsePhase =
  /** The connection has been lost for a second, and is opened again. */
  | 'reconnecting'
  /** The response is requested again by itself at its `retryAt`. */
  | 'retrying';

/** Side effects of the store, injected so that tests run without a browser. */
export interface ChatEffects {
  history: ChatHistory;
  ask(asking: StreamRequest, signal: AbortSignal): Promise<ResponseStream>;
  resume(requestId: string, lastEventId: string | undefined, signal: AbortSignal): Promise<ResponseStream>;
  cancel(requestId: string): Promise<void>;
  /** Reads a response to its end. Never rejects. */
  follow: FollowResponse;
  now(): number;
  newId(): string;
  /** Calls back before the next paint, or after a short wait if the page is hidden. */
  nextFrame(callback: () => void): void;
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /**
   * True at once if the browser has a network; else false, when it has one again or after some
   * seconds, because a server on this machine needs none.
   */
  online(signal: AbortSignal): Promise<boolean>;
  /** Notifies other tabs that a conversation changed. */
  announce(conversationId: string): void;
}

/**
 * Follows a response to its end. `openFirst` opens the first connection; without it an interrupted
 * response is resumed.
 */
export type FollowResponse = (
  initial: AssistantMessage,
  openFirst: ((signal: AbortSignal) => Promise<ResponseStream>) | undefined,
  options: FollowOptions,
) => Promise<void>;

export interface FollowOptions {
  effects: Pick<ChatEffects, 'resume' | 'now' | 'pause' | 'online'>;
  signal: AbortSignal;
  /** Receives each new state of the response, until `signal` aborts. */
  update: (message: AssistantMessage) => void;
  /** The connection is lost for longer than a moment, or is there again. */
  onConnection?: (isLost: boolean) => void;
}

/** The model for the next response (null: the server's default) and its capabilities. */
export interface ModelChoice {
  model: string | null;
  capabilities: ModelCapabilities;
  /** The name of the model, also if it is the server's default. */
  name?: string | undefined;
  /** For this response only: the conversation keeps its model. */
  isOnce?: boolean;
}

export interface NewQuestion extends ModelChoice {
  /** Null starts a new conversation. */
  conversationId: string | null;
  text: string;
  images?: readonly ChatImage[];
  files?: readonly ChatFile[];
  /** The id of the question, if it has one already. */
  id?: string;
  /** For a new conversation. Later changes go through `configure`. */
  settings?: ChatSettings;
}

export const INITIAL_STATE: ChatState = {
  ready: false,
  conversations: [],
  threads: new Map(),
  unsaved: false,
  activity: new Map(),
};

/** Merges both lists, newest first. `first` wins if both have a conversation. */
export function newestFirst(first: readonly Conversation[], second: readonly Conversation[]): Conversation[] {
  const ids = new Set(first.map(({ id }) => id));
  return [...first, ...second.filter(({ id }) => !ids.has(id))].sort((a, b) => b.updatedAt - a.updatedAt);
}
