import 'fake-indexeddb/auto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { takeToasts } from '#lib/browser/toasts';
import { webStorage } from '../../test/support/web-storage.ts';
import { keptRuns } from '../code-run/kept-runs.ts';
import { type Conversation, NO_SETTINGS } from './conversation.ts';
import { deleteChat } from './delete-chat.ts';
import { loadOutbox } from './outbox.ts';
import { openOutbox } from './outbox-db.ts';
import { newResponse } from './response-states.ts';
import { chatStore } from './use-chat.ts';

/** The browser's window, as far as a deletion needs it. */
const page = new EventTarget();

beforeEach(() => {
  vi.stubGlobal('localStorage', webStorage());
  vi.stubGlobal('sessionStorage', webStorage());
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible', readyState: 'complete' }));
  vi.stubGlobal('location', { pathname: '/', search: '' });
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
});
afterEach(() => void vi.unstubAllGlobals());

const conversation: Conversation = {
  ...{ id: 'a', title: 'a', createdAt: 1, updatedAt: 1, leafId: 'r', model: 'm', systemPrompt: '' },
};

async function remains() {
  const run = await keptRuns().read('a/r/0', 'print(1)');
  const queued = await openOutbox().all();
  return [run !== undefined, queued.length, localStorage.getItem('unread')];
}

it('deletes all that belongs to a chat when its undo ends, and nothing before', async () => {
  localStorage.setItem('unread', '["a"]');
  await chatStore().load();
  await chatStore().add([{ conversation, messages: [{ ...newResponse('r', 'a', 'q', 1), state: 'stopped' }] }]);
  await chatStore().open('a');
  await keptRuns().save('a/r/0', 'print(1)', { state: 'stopped', pieces: [] });
  const outbox = await loadOutbox();
  const message = { id: '1', chat: 'a', createdAt: 1, text: 'next', images: [], files: [], settings: NO_SETTINGS };
  outbox.add({ ...message, model: null, capabilities: { vision: true, thinking: true } });
  await vi.waitFor(async () => expect(await remains()).toEqual([true, 1, '["a"]']));

  await deleteChat(conversation, () => undefined);
  takeToasts()[0]?.action?.run();
  await vi.waitFor(() => expect(chatStore().state().conversations).toHaveLength(1));
  page.dispatchEvent(new Event('pagehide'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await remains()).toEqual([true, 1, '["a"]']);

  await deleteChat(conversation, () => undefined);
  expect(await remains()).toEqual([true, 1, '["a"]']);
  page.dispatchEvent(new Event('pagehide'));
  await vi.waitFor(async () => expect(await remains()).toEqual([false, 0, null]));
});
