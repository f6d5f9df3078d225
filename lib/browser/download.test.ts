import { expect, it, vi } from 'vitest';
import { downloadText } from './download.ts';

it('saves a text under its name, and lets go of it later', async () => {
  vi.useFakeTimers();
  const link = { href: '', download: '', click: vi.fn() };
  vi.stubGlobal('document', { createElement: () => link });
  const revoke = vi.spyOn(URL, 'revokeObjectURL');
  downloadText('chat.md', 'é', 'text/markdown');
  expect(link).toMatchObject({ download: 'chat.md', href: expect.stringMatching(/^blob:/) });
  expect(link.click).toHaveBeenCalledOnce();
  expect(revoke).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(revoke).toHaveBeenCalledWith(link.href);
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
