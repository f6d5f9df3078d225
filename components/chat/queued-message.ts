import type { ModelChoice } from './chat-state.ts';
import type { ChatImage, ChatSettings } from './conversation.ts';
import type { ChatFile } from './text-files.ts';

/** A message that waits for the response in front of it, or for the network. */
export interface QueuedMessage extends ModelChoice {
  /** Becomes the id of the question. */
  id: string;
  /** A conversation's id, or `NEW_CHAT`. */
  chat: string;
  /** The page that sends it. */
  page: string;
  createdAt: number;
  text: string;
  images: readonly ChatImage[];
  files: readonly ChatFile[];
  /** For a new conversation. */
  settings: ChatSettings;
  /**
   * True after the response in front of it was stopped or has failed, and for a message of a tab
   * that was closed: it is sent only when the reader says so.
   */
  held: boolean;
}

/**
 * Why the first message of a chat waits. `answer`: a response runs. `network`: the server cannot be
 * reached. `reader`: it is sent only when the reader says so. `refused`: it is too large.
 */
export type Wait = 'loading' | 'answer' | 'network' | 'reader' | 'refused' | 'editing';

/** Messages that are held back come last. */
export const byTurn = (a: QueuedMessage, b: QueuedMessage) =>
  Number(a.held) - Number(b.held) || a.createdAt - b.createdAt;
