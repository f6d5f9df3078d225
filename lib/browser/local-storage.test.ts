import { beforeEach, describe, expect, it, vi } from 'vitest';
import { webStorage } from '../../test/support/web-storage.ts';

/** The `localStorage` of all tabs. Each tab also has a `sessionStorage`. */
let shared: Storage;

beforeEach(() => {
  shared = webStorage();
  vi.useFakeTimers();
  return () => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  };
});

/** Opens a new tab. `show` makes it the current one again. */
async function openTab() {
  vi.resetModules();
  const own = webStorage();
  const show = () => {
    vi.stubGlobal('localStorage', shared);
    vi.stubGlobal('sessionStorage', own);
  };
  show();
  return { show, ...(await import('#lib/browser/local-storage')) };
}

const LARGE = 'x'.repeat(20_000);

async function draftOfNewTab(): Promise<string> {
  const { readStored } = await openTab();
  return readStored('draft');
}

describe('a large draft', () => {
  it('is stored once, after a pause in typing', async () => {
    const { writeDraft } = await openTab();
    const setItem = vi.spyOn(shared, 'setItem');
    for (let keys = 0; keys < 5; keys += 1) writeDraft('draft', LARGE + 'y'.repeat(keys));
    vi.advanceTimersByTime(400);
    expect(shared.getItem('draft')).toBeNull();
    vi.advanceTimersByTime(1_000);
    expect(shared.getItem('draft')).toBe(`${LARGE}yyyy`);
    expect(setItem).toHaveBeenCalledTimes(1);
    expect(await draftOfNewTab()).toBe(`${LARGE}yyyy`);
  });

  it('stays deleted if it is sent before the pending write', async () => {
    const { writeDraft } = await openTab();
    writeDraft('draft', LARGE);
    vi.advanceTimersByTime(500);
    writeDraft('draft', `${LARGE}y`);
    vi.advanceTimersByTime(100);
    writeDraft('draft', '');
    vi.advanceTimersByTime(2_000);
    expect(await draftOfNewTab()).toBe('');
  });

  it('removes the older draft of this tab when it is sent at once', async () => {
    shared.setItem('draft', 'older');
    const { claimDraft, writeDraft } = await openTab();
    claimDraft('draft', 'page');
    writeDraft('draft', LARGE);
    writeDraft('draft', '');
    vi.advanceTimersByTime(2_000);
    expect(await draftOfNewTab()).toBe('');
  });
});

describe('a sent draft', () => {
  it('is removed for new tabs', async () => {
    const { writeDraft } = await openTab();
    writeDraft('draft', 'hello');
    expect(shared.getItem('draft')).toBe('hello');
    writeDraft('draft', '');
    expect(await draftOfNewTab()).toBe('');
  });

  it.each(['hello', LARGE])('keeps the text of another tab', async (text) => {
    const first = await openTab();
    first.writeDraft('draft', text);
    const second = await openTab();
    second.writeDraft('draft', 'of the second');
    first.show();
    first.writeDraft('draft', '');
    vi.advanceTimersByTime(2_000);
    expect(await draftOfNewTab()).toBe('of the second');
  });
});

describe('a text that all tabs share', () => {
  it('is read as another tab wrote it last, and outlives forbidden storage in this tab', async () => {
    const first = await openTab();
    first.writeShared('list', 'a');
    const second = await openTab();
    second.writeShared('list', `${second.readShared('list')} b`);
    first.show();
    first.writeShared('list', `${first.readShared('list')} ${LARGE}`);
    expect(second.readShared('list')).toBe(`a b ${LARGE}`);
    vi.spyOn(shared, 'setItem').mockImplementation(() => {
      throw new Error('full');
    });
    first.writeShared('list', 'c');
    expect(first.readShared('list')).toBe('c');
  });
});

describe('a draft of one tab', () => {
  it('comes back in this tab only, and others learn who wrote it', async () => {
    const first = await openTab();
    first.writeDraft('draft', 'half', 'page-1');
    expect(first.readDraft('draft')).toBe('half');
    const second = await openTab();
    expect(second.readDraft('draft')).toBe('');
    expect(second.storedDraft('draft')).toEqual({ text: 'half', page: 'page-1', hasOwn: false });
    second.claimDraft('draft', 'page-2');
    expect(second.storedDraft('draft')?.page).toBe('page-2');
    second.writeDraft('draft', '', 'page-2');
    expect(second.storedDraft('draft')).toBeUndefined();
    expect(shared.length).toBe(0);
  });
});
