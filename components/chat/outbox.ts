import { useEffect, useSyncExternalStore } from 'react';
import { loadable, onFirstInput } from '#lib/browser/loadable';
import type { Models } from '#lib/wire/models';
import { hasFlag } from './outbox-flag.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { QueuedMessage, Wait } from './queued-message.ts';
import { chatStore } from './use-chat.ts';

/**
 * Messages that are sent later. Their code is fetched before it is needed, because without a
 * network it could not be fetched then: soon if messages wait, else with the reader's first input
 * or after a while.
 */
let store: OutboxStore | undefined;
let loading: Promise<OutboxStore> | undefined;
let models: Models | undefined;
const listeners = new Set<() => void>();
const started = new Set<(conversationId: string) => void>();

export const queuedMessages = loadable(() =>
  import('#components/chat/queued-messages').then(({ QueuedMessages }) => QueuedMessages),
);

/** Undefined until the code is there. */
export const loadedOutbox = (): OutboxStore | undefined => store;

/** Module singleton: messages are sent while the reader is on another page of the app. */
export function loadOutbox(): Promise<OutboxStore> {
  queuedMessages.preload();
  loading ??= import('./outbox-instance.ts').then(
    ({ createOutbox }) => {
      store = createOutbox(() => models);
      store.subscribe(() => notify(listeners, undefined));
      store.onStarted((conversationId) => notify(started, conversationId));
      void store.load();
      notify(listeners, undefined);
      return store;
    },
    (error: unknown) => {
      // A failed fetch is tried again.
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

interface Waiting {
  messages: readonly QueuedMessage[];
  wait: Wait | undefined;
  /** The id of the message that is edited. */
  editing: string | undefined;
}

/** The waiting messages of a chat. They begin to be sent once the page is loaded. */
export function useOutbox(chat: string, current: Models | undefined): Waiting {
  useEffect(() => {
    const load = () => void loadOutbox().catch(ignore);
    const ends = [afterLoad(load, mayWait() ? SOON_MS : LATER_MS), onFirstInput(load)];
    return () => {
      for (const end of ends) end();
    };
  }, []);
  useEffect(() => {
    models = current ?? models;
  }, [current]);
  const messages = useSyncExternalStore(
    subscribe,
    () => store?.messages(chat) ?? NONE,
    () => NONE,
  );
  const wait = useSyncExternalStore(
    subscribeToBoth,
    () => store?.waitOf(chat),
    () => undefined,
  );
  const editing = useSyncExternalStore(
    subscribe,
    () => store?.editing(),
    () => undefined,
  );
  return { messages, wait, editing };
}

/** Calls back when a message of the new chat was sent, with the id of its conversation. */
export function onStartedChat(listener: (conversationId: string) => void): () => void {
  started.add(listener);
  return () => started.delete(listener);
}

const NONE: readonly QueuedMessage[] = [];
const ignore = () => {};
/** After the page has loaded, and what it requests first. */
const SOON_MS = 500;
const LATER_MS = 5_000;

/** Whether messages may wait from before. */
function mayWait(): boolean {
  try {
    return hasFlag();
  } catch {
    // The browser blocks storage.
    return false;
  }
}

function afterLoad(action: () => void, delayMs: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    timer = setTimeout(action, delayMs);
  };
  if (document.readyState === 'complete') begin();
  else addEventListener('load', begin, { once: true });
  return () => {
    removeEventListener('load', begin);
    clearTimeout(timer);
  };
}

function notify<T>(all: ReadonlySet<(value: T) => void>, value: T): void {
  for (const listener of all) listener(value);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function subscribeToBoth(listener: () => void): () => void {
  const ends = [subscribe(listener), chatStore().subscribe(listener)];
  return () => {
    for (const end of ends) end();
  };
}
