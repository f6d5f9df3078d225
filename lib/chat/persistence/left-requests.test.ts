import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { warnOfLeftRequests } from '#lib/chat/persistence/left-requests';
import { SavedRequests } from '#lib/chat/persistence/saved-requests';
import { openStore } from '#lib/store/open-store';
import { chatRequest, engineHarness, ManualClock } from '../../../test/support/chat.ts';

it('warns of requests that a start without Redis has left, and of nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'left-'));
  const store = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
  const warnings: unknown[] = [];
  const log = { info: () => {}, warn: (...entry: unknown[]) => void warnings.push(entry[0]) };
  try {
    await warnOfLeftRequests(store, log);
    expect(warnings).toEqual([]);
    const clock = new ManualClock();
    const savedRequests = new SavedRequests({
      ...{ openStore: async () => store, maxBytes: 2 ** 20, resultTtlMs: 600_000 },
      ...{ clock, log },
    });
    const { engine } = engineHarness({ QUEUE_MAX_CONCURRENT: '1' }, { savedRequests, clock });
    await engine.restore(() => {});
    const accepted = await engine.enqueue(chatRequest({ messages: [{ role: 'user', content: 'later' }] }), {
      caller: 'ann',
    });
    await accepted.saved?.written;
    await warnOfLeftRequests(store, log);
    expect(warnings).toEqual([{ waiting: 1 }]);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});
