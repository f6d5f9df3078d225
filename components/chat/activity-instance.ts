import { thisPage } from '#lib/browser/page-identity';
import { openTabChannel } from '#lib/browser/tab-channel';
import { parseJson } from '#lib/browser/type-guards';
import { setTitleParts } from './document-title.ts';
import { type EndedResponse, ResponseActivity } from './response-activity.ts';
import { notify } from './response-notification.ts';
import { chatAddress } from './search-target.ts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';
import { chatStore } from './use-chat.ts';

const CHANNEL = 'chill-space-activity';
const UNREAD_KEY = 'unread';
/** The responses of this tab, to follow them again after a reload. */
const FOLLOWED_KEY = 'followed';
/** A tab that is alive reports sooner. */
const PEER_REPLY_MS = 2_000;
/** Shorter responses do not notify unless they waited in the queue. */
const LONG_RESPONSE_MS = 20_000;

/** The activity of all conversations. Follows the store of this page and the other tabs. */
export function createActivity(): ResponseActivity {
  const store = chatStore();
  const tab = thisPage().id;
  const channel = openTabChannel(CHANNEL);
  const post = (running: readonly string[]) => channel?.postMessage({ tab, running });
  const created = new ResponseActivity({
    isFollowed: (messageId) => store.isFollowed(messageId),
    isInView,
    post,
    storeUnread: (ids) => write(localStorageOf(), UNREAD_KEY, ids),
    onEnd: announceEnd,
  });
  channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data === 'hello') created.postAgain();
    else if (isReport(data)) created.setPeer(data.tab, data.running);
  });
  const ask = () => {
    created.clearPeers();
    channel?.postMessage('hello');
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
  // What began while this code was fetched.
  created.update(store.state());
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
