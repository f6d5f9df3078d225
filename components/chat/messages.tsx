'use client';

import dynamic from 'next/dynamic';
import { loadable, loadTogether } from '#lib/browser/loadable';
import { ListedCode } from './listed-code.ts';

const listed = new ListedCode<typeof import('./conversation-code.ts')>();
const code = listed.fetch;

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

/** Lists the scripts of `conversationParts` in a page that opens with a chat. */
export const PreloadedConversation = dynamic(listed.list(() => import('./conversation-code.ts')));
