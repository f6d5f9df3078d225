import { lazyCode } from '#lib/browser/loadable';

/** Code of actions on whole chats, which no first view needs. */
export const deletion = lazyCode(() => import('./delete-chat.ts'));
export const files = lazyCode(() => import('./conversation-files.ts'));
export const links = lazyCode(() => import('./chat-link.ts'));
