'use client';

import dynamic from 'next/dynamic';
import { loadable, loadTogether } from '#lib/browser/loadable';

const list = () => import('#components/chat/placed-messages');
const gauge = () => import('#components/chat/context-gauge');
const parts = () => import('./conversation-parts.ts');
const load = () => Promise.all([list(), import('./response-code.ts')]);

/** The messages of a chat. An empty chat needs neither their code nor that of requests yet. */
export const messageList = loadable(() => load().then(([{ PlacedMessages }]) => PlacedMessages));
/** What a chat with messages shows around them. Fetched when the messages are drawn. */
export const contextGauge = loadable(() => gauge().then(({ ContextGauge }) => ContextGauge));
export const contextNotice = loadable(() => gauge().then(({ ContextNotice }) => ContextNotice));
export const chatTitle = loadable(() => parts().then(({ ChatTitle }) => ChatTitle));
export const questionJump = loadable(() => parts().then(({ QuestionJump }) => QuestionJump));
export const notifyOffer = loadable(() => parts().then(({ NotifyOffer }) => NotifyOffer));
export const streamingStatus = loadable(() => parts().then(({ StreamingStatus }) => StreamingStatus));
export const conversationParts = loadTogether(chatTitle, questionJump, notifyOffer, streamingStatus);
export const aroundMessages = loadTogether(conversationParts, contextGauge);

/** Only for models that reason. */
export const reasoningSelect = loadable(() =>
  import('#components/chat/reasoning-select').then(({ ReasoningSelect }) => ReasoningSelect),
);

/** Lists their scripts in a server-rendered page, as `PreloadedRenderer` does. Renders nothing. */
export const PreloadedMessageList = dynamic(() =>
  typeof window === 'undefined' ? Promise.resolve(Nothing) : load().then(() => Nothing),
);

function Nothing() {
  return null;
}
