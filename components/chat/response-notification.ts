import { readStored, writeStored } from '#lib/browser/local-storage';
import { showToast } from '#lib/browser/toasts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';

/** Storage key of the reader's choice: `on`, `off`, or nothing before a choice. */
export const NOTIFY_KEY = 'notify';

/** Whether the browser can notify: not over plain http, and not after the reader blocked it. */
export function canNotify(): boolean {
  return typeof Notification !== 'undefined' && window.isSecureContext && Notification.permission !== 'denied';
}

export function isNotifying(): boolean {
  return canNotify() && Notification.permission === 'granted' && readStored(NOTIFY_KEY) === 'on';
}

/** Asks the browser for permission. Only a click or key of the reader may call this. */
export async function turnNotificationsOn(): Promise<void> {
  const permission = await Notification.requestPermission();
  writeStored(NOTIFY_KEY, permission === 'granted' ? 'on' : 'off');
  if (permission === 'granted') showToast({ id: NOTIFY_KEY, text: S.notifyIsOn });
  else showToast({ id: NOTIFY_KEY, kind: 'error', text: S.notifyRefused });
}

export function turnNotificationsOff(): void {
  writeStored(NOTIFY_KEY, 'off');
  showToast({ id: NOTIFY_KEY, text: S.notifyIsOff });
}

/** Does nothing unless notifications are on. Two tabs with the same response show it once. */
export function notify(heading: string, conversationId: string, title: string, open: () => void): void {
  if (!isNotifying()) return;
  try {
    const notification = new Notification(heading, { body: title, tag: conversationId, icon: '/icon-192.png' });
    notification.onclick = () => {
      window.focus();
      notification.close();
      open();
    };
  } catch {
    // Chromium on Android notifies through service workers only, which this app does not have.
  }
}
