import { describe, expect, it } from 'vitest';
import { NO_ATTACHMENTS } from './attachment-state.ts';
import { AttachmentStore } from './attachment-store.ts';
import type { ChatImage } from './conversation.ts';
import { MAX_IMAGES } from './images.ts';
import { MAX_FILES } from './text-files.ts';

const image = (id: string): ChatImage => ({ id, name: id, type: 'image/png', data: 'AA==', width: 1, height: 1 });
const file = (name: string) => new File([''], name, { type: 'image/png' });
const names = (store: AttachmentStore, chat: string) => store.state(chat).images.map(({ name }) => name);

/**
 * A store that can read every file but `broken`, in a browser that has `left` stored for every
 * chat.
 */
function begin(left: readonly ChatImage[] = []) {
  const kept: string[] = [];
  const dropped: string[] = [];
  const store = new AttachmentStore({
    read: (one) =>
      one.name === 'broken' ? Promise.reject(new Error('It is broken.')) : Promise.resolve(image(one.name)),
    keep: async (chat, { id }) => void kept.push(`${chat}/${id}`),
    drop: async (ids) => void dropped.push(...ids),
    adopt: async function* (_chat, room) {
      yield left.slice(0, room().images);
    },
  });
  return { store, kept, dropped };
}

describe('AttachmentStore', () => {
  it('adds files to their own chat, even if another chat is shown before they are read', async () => {
    const { store, kept } = begin();
    const first = store.attach('a', [file('1'), file('2')]);
    const second = store.attach('b', [file('3')]);
    expect([store.state('a').reading, store.state('b').reading]).toEqual([2, 1]);
    await Promise.all([first, second]);
    expect([names(store, 'a'), names(store, 'b'), names(store, 'c')]).toEqual([['1', '2'], ['3'], []]);
    expect(kept.toSorted()).toEqual(['a/1', 'a/2', 'b/3']);
    expect(store.state('a').reading).toBe(0);
  });

  it('moves attachments to a chat that has none, also in storage', async () => {
    const { store, kept, dropped } = begin();
    await store.attach('new', [file('1')]);
    store.attachText('new', 'notes.txt', 'text');
    store.move('new', 'started');
    expect([store.state('new'), names(store, 'started')]).toEqual([NO_ATTACHMENTS, ['1']]);
    await new Promise((resolve) => setTimeout(resolve));
    const id = store.state('started').files[0]?.id;
    expect([dropped, kept.slice(2)]).toEqual([
      ['1', id],
      ['started/1', `started/${id}`],
    ]);
    await store.attach('new', [file('2')]);
    store.move('new', 'started');
    expect([names(store, 'new'), names(store, 'started')]).toEqual([['2'], ['1']]);
  });

  it('restores stored images once, in front of newly attached ones', async () => {
    const { store, kept } = begin([image('left')]);
    const opened = store.open('a');
    await store.attach('a', [file('new')]);
    await opened;
    await store.open('a');
    expect(names(store, 'a')).toEqual(['left', 'new']);
    expect(kept).toEqual(['a/new']);
  });

  it('says of every file why it is missing, and counts when there are many', async () => {
    const { store } = begin();
    const many = Array.from({ length: MAX_IMAGES }, () => file('broken'));
    await store.attach('a', [...many, file('left out')]);
    const limit = `You can attach up to ${MAX_IMAGES} images.`;
    const more = `${MAX_IMAGES - 2} more files can’t be attached.`;
    expect(store.state('a').refusal).toBe(`${limit} It is broken. It is broken. ${more}`);
    await store.attach('b', [file('broken'), file('1')]);
    expect([store.state('b').refusal, names(store, 'b')]).toEqual(['It is broken.', ['1']]);
  });

  it('never exceeds the maximum per question, counting pending and stored images', async () => {
    const { store } = begin([image('left'), image('more')]);
    const many = Array.from({ length: MAX_IMAGES }, (_, index) => file(String(index)));
    const reading = store.attach('a', many.slice(1));
    await store.open('a');
    await store.attach('a', [file('one too many')]);
    expect(store.state('a').refusal).toContain(`up to ${MAX_IMAGES} images`);
    await reading;
    expect(names(store, 'a')).toHaveLength(MAX_IMAGES);
    expect(names(store, 'a')).not.toContain('more');
  });

  it('names the file that cannot be read and accepts the others', async () => {
    const { store, kept } = begin();
    await store.attach('a', [file('1'), file('broken'), file('2')]);
    expect(store.state('a')).toMatchObject({ refusal: 'It is broken.', reading: 0 });
    expect(kept).toEqual(['a/1', 'a/2']);
  });

  it('deletes an image from storage when it is removed or sent', async () => {
    const { store, dropped } = begin();
    await store.attach('a', [file('1'), file('2')]);
    await store.attach('b', [file('3')]);
    store.remove('a', '1');
    store.clear('a');
    expect(dropped).toEqual(['1', '2']);
    expect([names(store, 'a'), names(store, 'b')]).toEqual([[], ['3']]);
  });

  it('keeps images for the life of the page if the browser stores nothing', async () => {
    const refuse = () => Promise.reject(new DOMException('no', 'QuotaExceededError'));
    const store = new AttachmentStore({
      ...{ keep: refuse, drop: refuse },
      adopt: async function* () {
        yield await refuse();
      },
      read: async ({ name }) => image(name),
    });
    await store.open('a');
    await store.attach('a', [file('1'), file('2')]);
    store.remove('a', '1');
    expect(names(store, 'a')).toEqual(['2']);
    expect(store.state('a').refusal).toBeUndefined();
  });

  it('keeps texts next to images, each up to its own maximum', async () => {
    const { store, kept, dropped } = begin();
    await store.attach('a', [file('1')]);
    for (let count = 0; count < MAX_FILES; count++) expect(store.attachText('a', `t${count}`, 'text')).toBe(true);
    expect(store.attachText('a', 'one too many', 'text')).toBe(false);
    expect(store.state('a').refusal).toContain(`up to ${MAX_FILES} text files`);
    const [first] = store.state('a').files;
    store.remove('a', first?.id ?? '');
    expect(store.state('a')).toMatchObject({ images: [{ name: '1' }], refusal: undefined });
    expect(store.state('a').files).toHaveLength(MAX_FILES - 1);
    expect(kept).toHaveLength(1 + MAX_FILES);
    expect(dropped).toEqual([first?.id]);
    store.clear('a');
    expect(store.state('a')).toMatchObject({ images: [], files: [] });
    expect(dropped).toHaveLength(1 + MAX_FILES);
  });

  it('returns the same state object until it changes', async () => {
    const { store } = begin();
    let told = 0;
    store.subscribe(() => told++);
    expect(store.state('a')).toBe(NO_ATTACHMENTS);
    await store.attach('a', [file('1')]);
    expect(store.state('a')).toBe(store.state('a'));
    expect(told).toBeGreaterThan(0);
  });
});
