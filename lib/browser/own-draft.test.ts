import { beforeEach, expect, it, vi } from 'vitest';
import { webStorage } from '../../test/support/web-storage.ts';

/** The `localStorage` of all tabs. */
let shared: Storage;
/** Names of the locks that are held: those of the pages that live. */
let locks: Set<string>;

beforeEach(() => {
  shared = webStorage();
  locks = new Set();
  const request = async (name: string, ...rest: unknown[]) => {
    const [options, action] = rest.length === 2 ? (rest as [LockOptions, unknown]) : [{}, rest[0]];
    const run = action as (lock: object | null) => unknown;
    if (options.ifAvailable === true && locks.has(name)) return run(null);
    locks.add(name);
    try {
      return await run({});
    } finally {
      locks.delete(name);
    }
  };
  vi.stubGlobal('navigator', { locks: { request } });
  return () => void vi.unstubAllGlobals();
});

/** Opens a page in a new tab. `show` makes it the current one again. */
async function openTab() {
  vi.resetModules();
  const own = webStorage();
  const show = () => {
    vi.stubGlobal('localStorage', shared);
    vi.stubGlobal('sessionStorage', own);
  };
  show();
  const { readDraft } = await import('./local-storage.ts');
  return { show, readDraft, ...(await import('./own-draft.ts')) };
}

const KEY = 'draft:new';

it('keeps a text that was appended from the other tabs', async () => {
  const one = await openTab();
  await one.appendToDraft(KEY, 'about this program');
  expect(one.readDraft(KEY)).toBe('about this program');
  const other = await openTab();
  await other.restoreDraft(KEY);
  expect(other.readDraft(KEY)).toBe('');
});

it('appends to what this tab has, not to what another one is writing', async () => {
  const other = await openTab();
  other.writeOwnDraft(KEY, 'of the other');
  const one = await openTab();
  await one.appendToDraft(KEY, 'first\n');
  await one.appendToDraft(KEY, 'second');
  expect(one.readDraft(KEY)).toBe('first\n\nsecond');
  other.show();
  expect(other.readDraft(KEY)).toBe('of the other');
});

it('appends to what a closed page has left', async () => {
  const closed = await openTab();
  closed.writeOwnDraft(KEY, 'left');
  locks.clear();
  const one = await openTab();
  await one.appendToDraft(KEY, 'about this program');
  expect(one.readDraft(KEY)).toBe('left\n\nabout this program');
});
