'use client';

import dynamic from 'next/dynamic';
import { loadable } from '#lib/browser/loadable';

const load = () => import('#components/chat/message-list');

/** The messages of a chat. An empty chat does not need their code yet. */
export const messageList = loadable(() => load().then(({ MessageList }) => MessageList));

/** Lists their scripts in a server-rendered page, as `PreloadedRenderer` does. Renders nothing. */
export const PreloadedMessageList = dynamic(() =>
  typeof window === 'undefined' ? Promise.resolve(Nothing) : load().then(() => Nothing),
);

function Nothing() {
  return null;
}
