import 'fake-indexeddb/auto';
import { beforeEach, expect, it, vi } from 'vitest';
import { openHistory } from '../chat/history-db.ts';
import { openKeptRuns } from '../code-run/kept-runs.ts';
import { deleteBrowserData } from './browser-data.ts';
import { requestDeletion, takeDeletionRequest } from './deletion-request.ts';

class MemoryStorage {
  readonly entries = new Map<string, string>();
  getItem = (key: string) => this.entries.get(key) ?? null;
  setItem = (key: string, value: string) => void this.entries.set(key, value);
  removeItem = (key: string) => void this.entries.delete(key);
  clear = () => this.entries.clear();
}

const local = new MemoryStorage();
const session = new MemoryStorage();
const page = { cookie: '' };

beforeEach(() => {
  for (const storage of [local, session]) storage.clear();
  vi.stubGlobal('localStorage', local);
  vi.stubGlobal('sessionStorage', session);
  vi.stubGlobal('document', page);
});

it('deletes the databases, the texts and the cookie of the programs, also while a page has them open', async () => {
  const history = openHistory();
  const diary = { id: 'c', title: 'My secret diary', createdAt: 1, updatedAt: 1, leafId: null, model: null };
  await history.save({ ...diary, systemPrompt: '' }, []);
  await openKeptRuns().removeAll('c/');
  local.setItem('program:1', 'print(1)');
  session.setItem('draft:new', 'Dear diary');
  await deleteBrowserData();
  expect(await indexedDB.databases()).toEqual([]);
  expect([local.entries.size, session.entries.size]).toEqual([0, 0]);
  expect(page.cookie).toMatch(/^program=; .*max-age=0/);
  expect(await history.conversations()).toEqual([]);
});

it('deletes only on request, once, and soon after it', () => {
  expect(takeDeletionRequest(0)).toBe(false);
  requestDeletion(1_000);
  expect(takeDeletionRequest(2_000)).toBe(true);
  expect(takeDeletionRequest(2_000)).toBe(false);
  requestDeletion(1_000);
  expect(takeDeletionRequest(61_001)).toBe(false);
});
