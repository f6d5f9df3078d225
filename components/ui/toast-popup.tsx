'use client';

import { Toast } from '@base-ui/react/toast';
import clsx from 'clsx';
import { CircleAlert, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { onToast, takeToasts, toastTimeoutMs } from '#lib/browser/toasts';
import { UI_STRINGS } from './strings.ts';

/** None is hidden by newer ones, because its button may be an undo. The column scrolls. */
const MAX_TOASTS = 50;
const manager = Toast.createToastManager();

/**
 * Draws the toasts below the bar of the page, where they cover no field. F6 moves the focus to
 * them, Escape closes one.
 */
export function ToastPopup() {
  const [error, setError] = useState('');
  useEffect(() => {
    const draw = () => {
      for (const toast of takeToasts()) {
        const { id, text, kind = 'info', action } = toast;
        if (kind === 'error') setError(text);
        const shown = manager.add({
          ...(id === undefined ? {} : { id }),
          title: text,
          type: kind,
          timeout: toastTimeoutMs(toast),
          // A high priority hides the toast's own buttons from screen readers.
          priority: 'low',
          ...(action === undefined
            ? { actionProps: undefined }
            : {
                actionProps: {
                  children: action.label,
                  onClick: () => {
                    manager.close(shown);
                    action.run();
                  },
                },
              }),
        });
      }
    };
    draw();
    return onToast(draw);
  }, []);
  return (
    <Toast.Provider toastManager={manager} limit={MAX_TOASTS}>
      {/* Announced at once; the toast itself is announced politely. */}
      <p role="alert" className="sr-only">
        {error}
      </p>
      <Toast.Portal>
        <Toast.Viewport
          aria-label={UI_STRINGS.notifications}
          className="fixed inset-x-4 top-[calc(4rem+env(safe-area-inset-top))] scroller z-50 mx-auto flex max-h-[min(24rem,60dvh)] max-w-md flex-col gap-2 rounded-md print:hidden"
        >
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root
      key={toast.id}
      toast={toast}
      swipeDirection={['left', 'right']}
      className="shrink-0 rounded-md bg-surface text-sm shadow-float transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0"
    >
      <Toast.Content className="flex items-center gap-2 py-1.5 ps-3.5 pe-1.5">
        {toast.type === 'error' ? <CircleAlert className="size-4 shrink-0 text-error" aria-hidden /> : null}
        <Toast.Title className="my-1 line-clamp-6 min-w-0 flex-1 [overflow-wrap:anywhere]" />
        <Toast.Action className="min-h-8 shrink-0 rounded-sm px-2 font-medium text-accent hover:bg-hover pointer-coarse:min-h-10" />
        <Toast.Close aria-label={UI_STRINGS.close} className={clsx(ICON_BUTTON, 'shrink-0')}>
          <X className="size-4" aria-hidden />
        </Toast.Close>
      </Toast.Content>
    </Toast.Root>
  ));
}
