import { useEffect, useSyncExternalStore } from 'react';
import { onFirstInput } from '#lib/browser/loadable';
import { newId } from '#lib/browser/new-id';
import { openTabChannel } from '#lib/browser/tab-channel';
import { type ChatState, INITIAL_STATE } from './chat-state.ts';
import { ChatStore } from './chat-store.ts';
import { followLate, unreachable } from './follow-late.ts';
import { openHistory } from './history-db.ts';
import { responseCode } from './lazy-response-code.ts';

const CHANNEL = 'chill-space';
/** Hidden pages paint no frames but keep receiving responses. */
const HIDDEN_FRAME_MS = 250;
/** 25 updates per second read as smoothly as 60 and leave the main thread free. */
const FRAME_MS = 40;

let store: ChatStore | undefined;

/** Module singleton: responses continue while the reader is on another page of the app. */
export function chatStore(): ChatStore {
  store ??= createStore();
  return store;
}

/** One field of the state. Re-renders only when that field changes. */
export function useChatField<Key extends keyof ChatState>(key: Key): ChatState[Key] {
  return useSyncExternalStore(
    subscribe,
    () => read()[key],
    () => INITIAL_STATE[key],
  );
}

/**
 * A selection of the state. Re-renders only when it changes; `select` must be referentially
 * stable.
 */
export function useChatSelector<T>(select: (state: ChatState) => T): T {
  return useSyncExternalStore(
    subscribe,
    () => select(read()),
    () => select(INITIAL_STATE),
  );
}

/**
 * Starts reading the history and a conversation before the first render. A response in it may be
 * running: the code that resumes it is fetched meanwhile, and not after the messages are read.
 */
export function preloadChat(conversationId: string): void {
  const current = chatStore();
  // A message that needs it fetches it again, and shows the failure.
  void responseCode().catch(() => undefined);
  void current.load();
  void current.open(conversationId);
}

/** Loads the history, follows other tabs, and saves on unload. For one component of the chat. */
export function useChatLifecycle(): void {
  useEffect(() => {
    const current = chatStore();
    void current.load();
    const flush = () => current.flush();
    window.addEventListener('pagehide', flush);
    // A message that needs the code fetches it again, and shows the failure.
    const cancelPreload = onFirstInput(() => void responseCode().catch(() => undefined));
    return () => {
      window.removeEventListener('pagehide', flush);
      cancelPreload();
    };
  }, []);
}

const subscribe = (listener: () => void) => chatStore().subscribe(listener);
const read = () => chatStore().state();

function createStore(): ChatStore {
  const channel = openTabChannel(CHANNEL);
  const created = new ChatStore({
    history: openHistory(),
    ask: async (...question) => (await api()).requestResponse(...question),
    resume: async (...position) => (await api()).resumeResponse(...position),
    cancel: async (requestId) => (await api()).cancelResponse(requestId),
    follow: (...response) => followLate(responseCode, ...response),
    now: Date.now,
    newId,
    nextFrame,
    pause,
    online: onlineAgain,
    announce: (conversationId) => channel?.postMessage(conversationId),
  });
  channel?.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (typeof event.data === 'string') void created.refresh(event.data);
  });
  return created;
}

/** Throws `ApiError`. */
const api = () =>
  responseCode().catch(() => {
    throw unreachable();
  });

let lastFrameAt = 0;

function nextFrame(callback: () => void): void {
  if (document.visibilityState !== 'visible') {
    setTimeout(callback, HIDDEN_FRAME_MS);
    return;
  }
  const frame = () =>
    requestAnimationFrame((now) => {
      lastFrameAt = now;
      callback();
    });
  const remainingMs = FRAME_MS - (performance.now() - lastFrameAt);
  if (remainingMs <= 0) frame();
  else setTimeout(frame, remainingMs);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

const OFFLINE_RETRY_MS = 8_000;

async function onlineAgain(signal: AbortSignal): Promise<boolean> {
  if (navigator.onLine) return true;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = new AbortController();
  addEventListener('online', () => resolve(), { once: true, signal: done.signal });
  await Promise.race([promise, pause(OFFLINE_RETRY_MS, signal)]);
  done.abort();
  return false;
}
