'use client';

import dynamic from 'next/dynamic';
import { loadable, loadTogether } from '#lib/browser/loadable';

const code = () => import('./conversation-code.ts');

/** The messages of a chat, and what stands around them. */
export const messageList = loadable(() => code().then(({ PlacedMessages }) => PlacedMessages));
export const contextGauge = loadable(() => code().then(({ ContextGauge }) => ContextGauge));
export const contextNotice = loadable(() => code().then(({ ContextNotice }) => ContextNotice));
export const chatTitle = loadable(() => code().then(({ ChatTitle }) => ChatTitle));
export const questionJump = loadable(() => code().then(({ QuestionJump }) => QuestionJump));
export const notifyOffer = loadable(() => code().then(({ NotifyOffer }) => NotifyOffer));
export const streamingStatus = loadable(() => code().then(({ StreamingStatus }) => StreamingStatus));
export const conversationParts = loadTogether(
  ...[messageList, contextGauge, contextNotice, chatTitle, questionJump, notifyOffer, streamingStatus],
);

/** Only for models that reason. */
export const reasoningSelect = loadable(() =>
  import('#components/chat/reasoning-select').then(({ ReasoningSelect }) => ReasoningSelect),
);

/**
 * Lists the scripts of `conversationParts` in a server-rendered page, so that a browser fetches
 * them along with the page's own. Next finds only an `import()` that stands in the call itself.
 * Renders nothing.
 */
export const PreloadedConversation = dynamic(() =>
  typeof window === 'undefined'
    ? Promise.resolve(Nothing)
    : import('./conversation-code.ts').then(
        () => Nothing,
        () => Nothing,
      ),
);

function Nothing() {
  return null;
}
