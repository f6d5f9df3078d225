import { useEffect, useSyncExternalStore } from 'react';
import { lazyCode, onFirstInput } from '#lib/browser/loadable';
import { setTitleParts } from './document-title.ts';
import type { Activity, ResponseActivity } from './response-activity.ts';

/** The code is fetched when there are conversations: without any there is nothing to mark. */
let activity: ResponseActivity | undefined;
let loading: Promise<ResponseActivity> | undefined;
const listeners = new Set<() => void>();

const NONE: Activity = { running: new Set(), unread: new Set() };

const code = lazyCode(() => import('./activity-instance.ts'));

/** Which conversations have running or unread responses. Starts watching once `isNeeded`. */
export function useActivity(isNeeded: boolean): Activity {
  useEffect(() => {
    if (!isNeeded) return onFirstInput(code.preload);
    void load();
    return undefined;
  }, [isNeeded]);
  return useSyncExternalStore(
    subscribe,
    () => activity?.state() ?? NONE,
    () => NONE,
  );
}

/** Marks the responses of the shown conversation as read while the tab is visible. */
export function useReadMark(conversationId: string | null): void {
  useEffect(() => {
    const mark = () => {
      if (document.visibilityState !== 'visible') return;
      setTitleParts({ isReady: false });
      if (conversationId !== null) forgetUnread(conversationId);
    };
    mark();
    document.addEventListener('visibilitychange', mark);
    return () => document.removeEventListener('visibilitychange', mark);
  }, [conversationId]);
}

/** Removes the mark of a conversation that was read or deleted. */
export function forgetUnread(conversationId: string): void {
  if (activity !== undefined) activity.markRead(conversationId);
  else void load().then((loaded) => loaded?.markRead(conversationId));
}

function load(): Promise<ResponseActivity | undefined> {
  loading ??= import('./activity-instance.ts').then(({ createActivity }) => {
    activity = createActivity();
    activity.subscribe(notify);
    notify();
    return activity;
  });
  return loading.catch(() => {
    // A failed fetch is tried again.
    loading = undefined;
    return undefined;
  });
}

function notify(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
