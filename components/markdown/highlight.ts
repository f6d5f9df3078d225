import type { HighlightRange, TokenizeRequest, TokenizeResponse } from './highlight-ranges.ts';

/** Longer code is not highlighted. */
const MAX_CHARACTERS = 60_000;
const MAX_CACHED = 300;

const cache = new Map<string, Promise<HighlightRange[] | undefined>>();
const pending = new Map<number, (ranges: HighlightRange[] | undefined) => void>();
let worker: Worker | undefined;
let count = 0;

/**
 * The ranges of `code`; undefined if the language is unknown or the code too long. Never rejects.
 */
export function highlight(code: string, language: string): Promise<HighlightRange[] | undefined> {
  if (code.length > MAX_CHARACTERS) return Promise.resolve(undefined);
  const key = `${language}\n${code}`;
  const cached = cache.get(key);
  if (cached !== undefined) return cached;
  const { promise, resolve } = Promise.withResolvers<HighlightRange[] | undefined>();
  cache.set(key, promise);
  for (const oldest of cache.keys()) if (cache.size > MAX_CACHED) cache.delete(oldest);
  const request: TokenizeRequest = { id: ++count, code, language };
  pending.set(request.id, resolve);
  worker ??= startWorker();
  worker.postMessage(request);
  return promise;
}

function startWorker(): Worker {
  const started = new Worker(new URL('./highlight-worker.ts', import.meta.url), { type: 'module', name: 'highlight' });
  started.onmessage = ({ data: { id, ranges } }: MessageEvent<TokenizeResponse>) => {
    pending.get(id)?.(ranges);
    pending.delete(id);
  };
  // Without the worker code stays readable, in one colour.
  started.onerror = () => {
    for (const resolve of pending.values()) resolve(undefined);
    pending.clear();
  };
  return started;
}
