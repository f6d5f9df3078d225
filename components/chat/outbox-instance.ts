import { isOffline, onConnection } from '#lib/browser/connection';
import { afterPreviousPage, closedPages, holdPageLock, ifClosed, thisPage } from '#lib/browser/page-identity';
import type { Models } from '#lib/wire/models';
import { EMPTY_THREAD, pathTo } from './conversation.ts';
import { capabilitiesOf } from './model-capabilities.ts';
import { openOutbox } from './outbox-db.ts';
import { OutboxStore } from './outbox-store.ts';
import { requestSizeError } from './request-size.ts';
import { chatStore } from './use-chat.ts';

/** The outbox of this page. Loaded after the first view. */
export function createOutbox(knownModels: () => Models | undefined): OutboxStore {
  const chat = chatStore();
  const { id, previousId } = thisPage();
  return new OutboxStore({
    storage: openOutbox(),
    page: id,
    previousPage: previousId,
    // Without locks no page can tell a closed one from one that lives.
    closedPages: async (pages) => (navigator.locks === undefined ? [] : closedPages(pages)),
    afterPreviousPage,
    ifClosed,
    holdPage: holdPageLock,
    chat: {
      state: chat.state,
      subscribe: chat.subscribe,
      load: () => chat.load(),
      open: (conversationId) => chat.open(conversationId),
      send: (question) => chat.send(question),
    },
    isOffline,
    onConnection,
    capabilities: (model) => {
      const models = knownModels();
      return models === undefined ? undefined : capabilitiesOf(models, model);
    },
    refusal: ({ text, images, files, settings, capabilities }, conversationId) => {
      const { conversations, threads } = chat.state();
      const conversation = conversations.find((one) => one.id === conversationId);
      return requestSizeError({
        path: pathTo(threads.get(conversationId ?? '') ?? EMPTY_THREAD, conversation?.leafId ?? null),
        ...{ text, images, files },
        systemPrompt: conversation?.systemPrompt ?? settings.systemPrompt,
        vision: capabilities.vision,
      });
    },
  });
}
