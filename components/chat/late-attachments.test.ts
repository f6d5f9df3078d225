import { describe, expect, it } from 'vitest';
import { AttachmentStore } from './attachment-store.ts';
import { LateAttachments } from './late-attachments.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';

const file = (name: string) => new File([''], name, { type: 'image/png' });

/** Its code arrives when the test settles `arriving`. */
function begin(stored: readonly string[] = []) {
  const adopted: string[] = [];
  let loads = 0;
  let arriving = Promise.withResolvers<AttachmentStore>();
  const store = new AttachmentStore({
    read: async ({ name }) => ({ id: name, name, type: 'image/png', data: 'AA==', width: 1, height: 1 }),
    keep: async () => undefined,
    drop: async () => undefined,
    adopt: async function* (chat) {
      adopted.push(chat);
      yield [];
    },
  });
  const late = new LateAttachments({
    load: () => {
      loads += 1;
      arriving = Promise.withResolvers();
      return arriving.promise;
    },
    hasStored: async (chat) => stored.includes(chat),
  });
  return {
    late,
    adopted,
    loads: () => loads,
    arrive: () => arriving.resolve(store),
    fail: () => arriving.reject(new Error('The server is away.')),
  };
}

const settle = () => new Promise((resolve) => setTimeout(resolve));
const contents = (late: LateAttachments, chat: string) => {
  const { images, files, reading, refusal } = late.state(chat);
  return { images: images.map(({ name }) => name), files: files.map(({ name }) => name), reading, refusal };
};

describe('LateAttachments', () => {
  it('holds what is attached until the code is there, and counts it as being read', async () => {
    const { late, arrive, loads } = begin();
    late.attach('a', [file('1'), file('2')]);
    expect(late.attachPasted('a', 'first')).toBe(true);
    expect(late.attachPasted('a', 'second')).toBe(true);
    expect(contents(late, 'a')).toEqual({ images: [], files: [], reading: 4, refusal: undefined });
    let changes = 0;
    late.subscribe(() => changes++);
    arrive();
    await settle();
    const { pastedText, anotherPastedText } = COMPOSER_STRINGS;
    expect(contents(late, 'a')).toEqual({
      images: ['1', '2'],
      files: [pastedText, anotherPastedText(2)],
      reading: 0,
      refusal: undefined,
    });
    expect([changes > 0, loads()]).toEqual([true, 1]);
  });

  it('keeps a sentence about what was just attached', async () => {
    const { late, arrive } = begin();
    late.attachPasted('a', 'too long');
    late.refuse('a', 'It is too long.');
    late.refuse('b', 'Another one.');
    arrive();
    await settle();
    expect(contents(late, 'a')).toMatchObject({ files: [COMPOSER_STRINGS.pastedText], refusal: 'It is too long.' });
    expect(late.state('b').refusal).toBe('Another one.');
    late.refuse('a', undefined);
    expect(late.state('a').refusal).toBeUndefined();
  });

  it('says what could not be attached, and tries again with the next file', async () => {
    const { late, arrive, fail, loads } = begin();
    late.attach('a', [file('1')]);
    fail();
    await settle();
    expect(contents(late, 'a')).toMatchObject({ reading: 0, refusal: COMPOSER_STRINGS.unreadableFile('1') });
    late.attach('a', [file('2')]);
    arrive();
    await settle();
    expect(contents(late, 'a')).toEqual({ images: ['2'], files: [], reading: 0, refusal: undefined });
    expect(loads()).toBe(2);
  });

  it('fetches the code at once for a chat with stored attachments, and for no other', async () => {
    const { late, adopted, arrive, loads } = begin(['a']);
    await late.open('b');
    expect(loads()).toBe(0);
    const opened = late.open('a');
    await settle();
    expect(loads()).toBe(1);
    arrive();
    await opened;
    await late.open('a');
    expect(adopted).toEqual(['a']);
  });
});
