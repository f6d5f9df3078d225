import { useEffect, useSyncExternalStore } from 'react';
import { loadable } from '#lib/browser/loadable';
import type { Models } from '#lib/wire/models';
import type { OutboxStore } from './outbox-store.ts';
import type { QueuedMessage, Wait } from './queued-message.ts';
import { chatStore } from './use-chat.ts';

/**
 * Messages that are sent later. Their code is fetched while the page is idle: without a network it
 * could not be fetched when it is needed.
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

/** The waiting messages of a chat. They begin to be sent once the page is idle. */
export function useOutbox(chat: string, current: Models | undefined): Waiting {
  useEffect(() => whenIdle(() => void loadOutbox().catch(ignore)), []);
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
const IDLE_AFTER_MS = 500;

function whenIdle(action: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = () => {
    timer = setTimeout(action, IDLE_AFTER_MS);
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
