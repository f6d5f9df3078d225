import { useEffect, useSyncExternalStore } from 'react';
import { cancelResponse, requestResponse, resumeResponse } from './chat-api.ts';
import { type ChatState, INITIAL_STATE } from './chat-state.ts';
import { ChatStore } from './chat-store.ts';
import { openHistory } from './history-db.ts';
import { newId } from './new-id.ts';

const CHANNEL = 'chill-space';
/** Hidden pages paint no frames; their answers go on all the same. */
const HIDDEN_FRAME_MS = 250;
/** Text that grows 20 times a second reads as well as one that grows 60 times, and leaves the page free in between. */
const FRAME_MS = 40;

let store: ChatStore | undefined;

/** The one store of this page. Answers go on while the reader looks at another page of the app. */
export function chatStore(): ChatStore {
  store ??= createStore();
  return store;
}

/** One part of the state: whoever reads it is drawn again only when that part changed. */
export function useChatField<Key extends keyof ChatState>(key: Key): ChatState[Key] {
  return useSyncExternalStore(
    subscribe,
    () => read()[key],
    () => INITIAL_STATE[key],
  );
}

/**
 * What `select` takes out of the state: whoever reads it is drawn again only when that changed. It must give back the
 * same object for the same state.
 */
export function useChatSelector<T>(select: (state: ChatState) => T): T {
  return useSyncExternalStore(
    subscribe,
    () => select(read()),
    () => select(INITIAL_STATE),
  );
}

/** Begins to read the history, and a conversation of it, before anything is drawn: both take longer than that. */
export function preloadChat(conversationId: string): void {
  const current = chatStore();
  void current.load();
  void current.open(conversationId);
}

/** Reads the history once, follows other tabs, and saves when the page goes. Belongs into one component of the chat. */
export function useChatLifecycle(): void {
  useEffect(() => {
    const current = chatStore();
    void current.load();
    const flush = () => current.flush();
    window.addEventListener('pagehide', flush);
    return () => window.removeEventListener('pagehide', flush);
  }, []);
}

const subscribe = (listener: () => void) => chatStore().subscribe(listener);
const read = () => chatStore().state();

function createStore(): ChatStore {
  const channel = new BroadcastChannel(CHANNEL);
  const created = new ChatStore({
    history: openHistory(),
    ask: requestResponse,
    resume: resumeResponse,
    cancel: cancelResponse,
    now: Date.now,
    newId,
    nextFrame,
    pause,
    announce: (conversationId) => channel.postMessage(conversationId),
  });
  channel.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data === 'string') void created.refresh(event.data);
  };
  return created;
}

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
