'use client';

import { useSyncExternalStore } from 'react';
import { loadable, useLoaded } from '#lib/browser/loadable';
import { hasToasts, onToast } from '#lib/browser/toasts';

const popup = loadable(() => import('#components/ui/toast-popup').then(({ ToastPopup }) => ToastPopup));

/** The place where all toasts of the app appear (see `showToast`). */
export function Toasts() {
  const wanted = useSyncExternalStore(onToast, hasToasts, () => false);
  const isThere = useLoaded(wanted, popup);
  return isThere ? <popup.Component /> : null;
}
