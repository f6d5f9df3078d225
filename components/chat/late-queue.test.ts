import { expect, it } from 'vitest';
import { LateQueue } from './late-queue.ts';

it('knows a message that is queued once the code is there', async () => {
  const added: string[] = [];
  const queue = { add: ({ text }: { chat: string; text: string }) => void added.push(text) };
  const { promise, resolve } = Promise.withResolvers<typeof queue>();
  let loaded: typeof queue | undefined;
  const late = new LateQueue({ loaded: () => loaded, load: () => promise });
  const queued: string[] = [];
  expect(late.add({ chat: 'a', text: '1' }, true, () => queued.push('1'), expect.unreachable)).toBe(false);
  expect([late.isPending('a'), late.isPending('b')]).toEqual([true, false]);
  late.add({ chat: 'b', text: 'from elsewhere' }, false, () => queued.push('2'), expect.unreachable);
  expect(late.isPending('b')).toBe(false);
  loaded = queue;
  resolve(queue);
  await promise;
  expect([added, queued, late.isPending('a')]).toEqual([['1', 'from elsewhere'], ['1', '2'], false]);
  expect(late.add({ chat: 'a', text: '2' }, true, expect.unreachable, expect.unreachable)).toBe(true);
  expect([added, late.isPending('a')]).toEqual([['1', 'from elsewhere', '2'], false]);
});

it('reports code that could not be fetched', async () => {
  const late = new LateQueue({ loaded: () => undefined, load: () => Promise.reject(new Error('offline')) });
  await new Promise<void>((resolve) => void late.add({ chat: 'a' }, true, expect.unreachable, resolve));
  expect(late.isPending('a')).toBe(false);
});
