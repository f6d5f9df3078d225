import type { HighlightRange, TokenizeRequest, TokenizeResponse } from './highlight-ranges.ts';

/** Beyond this, colours are not worth the reader's wait. */
const MAX_CHARACTERS = 60_000;
const MAX_KEPT = 300;

const kept = new Map<string, Promise<HighlightRange[] | undefined>>();
const waiting = new Map<number, (marks: HighlightRange[] | undefined) => void>();
let worker: Worker | undefined;
let count = 0;

/** What the pieces of `code` are; undefined where the language is not known, or it is too long. Never rejects. */
export function highlight(code: string, language: string): Promise<HighlightRange[] | undefined> {
  if (code.length > MAX_CHARACTERS) return Promise.resolve(undefined);
  const key = `${language}\n${code}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const { promise, resolve } = Promise.withResolvers<HighlightRange[] | undefined>();
  kept.set(key, promise);
  for (const oldest of kept.keys()) if (kept.size > MAX_KEPT) kept.delete(oldest);
  const request: TokenizeRequest = { id: ++count, code, language };
  waiting.set(request.id, resolve);
  worker ??= startWorker();
  worker.postMessage(request);
  return promise;
}

function startWorker(): Worker {
  const started = new Worker(new URL('./highlight-worker.ts', import.meta.url), { type: 'module', name: 'highlight' });
  started.onmessage = ({ data: { id, ranges: marks } }: MessageEvent<TokenizeResponse>) => {
    waiting.get(id)?.(marks);
    waiting.delete(id);
  };
  // Without the worker code stays as it is written: readable, in one colour.
  started.onerror = () => {
    for (const resolve of waiting.values()) resolve(undefined);
    waiting.clear();
  };
  return started;
}
