import { useEffect, useSyncExternalStore } from 'react';
import { thisPage } from '#lib/browser/page-identity';
import { parseJson } from '#lib/browser/type-guards';
import { setTitleParts } from './document-title.ts';
import { type Activity, type EndedResponse, NO_ACTIVITY, ResponseActivity } from './response-activity.ts';
import { notify } from './response-notification.ts';
import { chatAddress } from './search-target.ts';
import { HISTORY_STRINGS as S } from './strings/history.ts';
import { chatStore } from './use-chat.ts';

const CHANNEL = 'chill-space-activity';
const UNREAD_KEY = 'unread';
/** The responses of this tab, to follow them again after a reload. */
const FOLLOWED_KEY = 'followed';
/** A tab that is alive reports sooner. */
const PEER_REPLY_MS = 2_000;
/** Shorter responses do not notify unless they waited in the queue. */
const LONG_RESPONSE_MS = 20_000;

let activity: ResponseActivity | undefined;

/** Which conversations have running or unread responses. Starts watching with its first use. */
export function useActivity(): Activity {
  return useSyncExternalStore(
    subscribe,
    () => responseActivity().state(),
    () => NO_ACTIVITY,
  );
}

/** Marks the responses of the shown conversation as read while the tab is visible. */
export function useReadMark(conversationId: string | null): void {
  useEffect(() => {
    const mark = () => {
      if (document.visibilityState !== 'visible') return;
      setTitleParts({ isReady: false });
      if (conversationId !== null) responseActivity().markRead(conversationId);
    };
    mark();
    document.addEventListener('visibilitychange', mark);
    return () => document.removeEventListener('visibilitychange', mark);
  }, [conversationId]);
}

/** Removes the mark of a conversation that was deleted. */
export function forgetUnread(conversationId: string): void {
  responseActivity().markRead(conversationId);
}

const subscribe = (listener: () => void) => responseActivity().subscribe(listener);

function responseActivity(): ResponseActivity {
  activity ??= start();
  return activity;
}

function start(): ResponseActivity {
  const store = chatStore();
  const channel = new BroadcastChannel(CHANNEL);
  const post = (running: readonly string[]) => channel.postMessage({ tab: thisPage().id, running });
  const created = new ResponseActivity({
    isFollowed: (messageId) => store.isFollowed(messageId),
    isInView,
    post,
    storeUnread: (ids) => write(localStorageOf(), UNREAD_KEY, ids),
    onEnd: announceEnd,
  });
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (data === 'hello') created.postAgain();
    else if (isReport(data)) created.setPeer(data.tab, data.running);
  };
  const ask = () => {
    created.clearPeers();
    channel.postMessage('hello');
    setTimeout(() => created.dropSilentPeers(), PEER_REPLY_MS);
  };
  created.setUnread(read(localStorageOf(), UNREAD_KEY));
  addEventListener('storage', ({ key, newValue }) => {
    if (key === UNREAD_KEY) created.setUnread(toIds(newValue));
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') {
      setTitleParts({ isReady: false });
      ask();
    }
  });
  addEventListener('pagehide', () => post([]));
  addEventListener('pageshow', () => created.postAgain());
  ask();

  // Read before the first update overwrites it.
  const interrupted = read(sessionStorageOf(), FOLLOWED_KEY);
  let followed = interrupted.join();
  store.subscribe(() => {
    created.update(store.state());
    const ids = created.followed();
    if (ids.join() === followed) return;
    followed = ids.join();
    write(sessionStorageOf(), FOLLOWED_KEY, ids);
  });
  // Without a reader the server would cancel them.
  if (interrupted.length > 0)
    void store.load().then(async () => {
      await Promise.all(interrupted.map((id) => store.open(id)));
      created.update(store.state());
    });
  return created;
}

/** Whether the reader sees the conversation in this tab. */
function isInView(conversationId: string): boolean {
  return (
    document.visibilityState === 'visible' &&
    location.pathname === '/' &&
    new URLSearchParams(location.search).get('c') === conversationId
  );
}

function announceEnd({ conversationId, message, wasQueued }: EndedResponse): void {
  if (document.visibilityState === 'visible') return;
  setTitleParts({ isReady: true });
  if (!wasQueued && Date.now() - message.createdAt < LONG_RESPONSE_MS) return;
  const conversation = chatStore()
    .state()
    .conversations.find(({ id }) => id === conversationId);
  const heading = message.state === 'failed' ? S.responseFailed : S.responseReady;
  notify(heading, conversationId, conversation?.title ?? '', () => {
    const address = chatAddress(conversationId);
    if (location.pathname === '/') history.pushState(null, '', address);
    else location.assign(address);
  });
}

function isReport(data: unknown): data is { tab: string; running: string[] } {
  return (
    typeof data === 'object' &&
    data !== null &&
    'tab' in data &&
    typeof data.tab === 'string' &&
    'running' in data &&
    isIds(data.running)
  );
}

const isIds = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((id) => typeof id === 'string');

function toIds(text: string | null): string[] {
  const ids = text === null ? [] : parseJson(text);
  return isIds(ids) ? ids : [];
}

function read(storage: Storage | undefined, key: string): string[] {
  return toIds(storage?.getItem(key) ?? null);
}

function write(storage: Storage | undefined, key: string, ids: readonly string[]): void {
  try {
    if (ids.length === 0) storage?.removeItem(key);
    else storage?.setItem(key, JSON.stringify(ids));
  } catch {
    // The storage is full: the marks last as long as the page.
  }
}

/** Undefined if the browser blocks storage, which makes the property itself throw. */
function localStorageOf(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

function sessionStorageOf(): Storage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}
