import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { takeToasts } from '#lib/browser/toasts';
import { currentDownloads, download, onDownloads } from './downloads.ts';

let requests: { url: string; body: string }[] = [];

beforeEach(() => {
  requests = [];
  takeToasts();
});
afterEach(() => vi.unstubAllGlobals());

function respondWith(...pieces: string[]): void {
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    requests.push({ url, body: String(init.body) });
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    });
    return Promise.resolve(new Response(body));
  });
}

it('follows a download whose lines are cut anywhere, and says that it is done', async () => {
  respondWith(
    '{"status":"pulling","completed":1,"to',
    'tal":4}\n{"status":"pulling","completed":4,"total":4}\n',
    '{"status":"success"}',
  );
  const seen: (number | undefined)[] = [];
  const stop = onDownloads(() => seen.push(currentDownloads()[0]?.progress?.completed));
  const onDone = vi.fn();
  await download('qwen3:8b', onDone);
  stop();
  expect(requests).toEqual([{ url: '/api/pull', body: '{"model":"qwen3:8b","stream":true}' }]);
  expect(seen).toEqual([undefined, 1, 4, 0, undefined]);
  expect(onDone).toHaveBeenCalledOnce();
  expect(takeToasts().map(({ text }) => text)).toEqual(['qwen3:8b is ready.']);
  expect(currentDownloads()).toEqual([]);
});

it('shows the error of the model server, and keeps it until it is closed', async () => {
  respondWith('{"error":"pull model manifest: file does not exist"}\n');
  const onDone = vi.fn();
  await download('no-such-model', onDone);
  expect(onDone).not.toHaveBeenCalled();
  expect(takeToasts()).toMatchObject([
    { kind: 'error', timeoutMs: 0, text: 'pull model manifest: file does not exist' },
  ]);
});

it('does not take a stream that ends early for a success', async () => {
  respondWith('{"status":"pulling","completed":1,"total":4}\n');
  const onDone = vi.fn();
  await download('qwen3:8b', onDone);
  expect(onDone).not.toHaveBeenCalled();
  expect(takeToasts()).toMatchObject([{ kind: 'error' }]);
});

it('stops on request', async () => {
  vi.stubGlobal(
    'fetch',
    (_url: string, { signal }: RequestInit) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted')))),
  );
  const ended = download('qwen3:8b', () => undefined);
  currentDownloads()[0]?.stop();
  await ended;
  expect(takeToasts()).toMatchObject([{ text: 'The download was stopped. Downloading again goes on from here.' }]);
  expect(currentDownloads()).toEqual([]);
});
