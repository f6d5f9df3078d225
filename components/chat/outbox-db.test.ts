import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { webStorage } from '../../test/support/web-storage.ts';
import { NO_SETTINGS } from './conversation.ts';
import { openOutbox } from './outbox-db.ts';
import type { QueuedMessage } from './queued-message.ts';

const message = (id: string, page = 'here'): QueuedMessage => ({
  ...{ id, chat: 'a', page, createdAt: 1, text: id, images: [], files: [], settings: NO_SETTINGS, held: false },
  ...{ model: null, capabilities: { vision: true, thinking: true } },
});

beforeEach(() => {
  vi.stubGlobal('localStorage', webStorage({ entries: 1 }));
  vi.stubGlobal('sessionStorage', webStorage({ entries: 1 }));
});
afterEach(async () => {
  const outbox = openOutbox();
  for (const { id } of await outbox.all()) await outbox.remove(id);
  vi.unstubAllGlobals();
});

describe('openOutbox', () => {
  it('keeps a message while localStorage is full', async () => {
    vi.stubGlobal('localStorage', webStorage({ entries: 0 }));
    await openOutbox().put(message('1'));
    expect((await openOutbox().all()).map(({ id }) => id)).toEqual(['1']);
  });

  it('finds a message although another tab removed the flag while it was written', async () => {
    const putting = openOutbox().put(message('1'));
    localStorage.removeItem('outbox');
    await putting;
    expect((await openOutbox().all()).map(({ id }) => id)).toEqual(['1']);
  });

  it('gives the messages of a page to another, which alone changes them', async () => {
    const outbox = openOutbox();
    await outbox.put(message('1', 'closed'));
    await outbox.put(message('2', 'alive'));
    expect(await outbox.reassign('closed', 'here', true)).toEqual([{ ...message('1'), held: true }]);
    await outbox.update({ ...message('1', 'closed'), text: 'changed' });
    await outbox.update({ ...message('missing') });
    expect([await outbox.owner('1'), await outbox.owner('missing')]).toEqual(['here', undefined]);
    expect((await outbox.all()).map(({ text }) => text)).toEqual(['1', '2']);
  });
});
