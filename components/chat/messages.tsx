'use client';

import dynamic from 'next/dynamic';
import { loadable } from '#lib/browser/loadable';

const load = () => Promise.all([import('#components/chat/message-list'), import('./chat-api.ts')]);

/** The messages of a chat. An empty chat needs neither their code nor that of requests yet. */
export const messageList = loadable(() => load().then(([{ MessageList }]) => MessageList));
/** They are wanted only in a chat with messages. */
export const contextGauge = loadable(() =>
  import('#components/chat/context-gauge').then(({ ContextGauge }) => ContextGauge),
);
export const contextNotice = loadable(() =>
  import('#components/chat/context-gauge').then(({ ContextNotice }) => ContextNotice),
);

/** Lists their scripts in a server-rendered page, as `PreloadedRenderer` does. Renders nothing. */
export const PreloadedMessageList = dynamic(() =>
  typeof window === 'undefined' ? Promise.resolve(Nothing) : load().then(() => Nothing),
);

function Nothing() {
  return null;
}
