'use client';

import { CircleAlert, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from '#components/ui/button';
import { IconButton } from '#components/ui/icon-button';
import { onLoadFailure } from '#lib/browser/loadable';
import { UI_STRINGS } from './strings.ts';

/**
 * Says that code which a popup needs could not be fetched, and leaves the page as it is. Part of
 * the first view, because a toast's code could be missing for the same reason.
 */
export function LoadFailed() {
  const [times, setTimes] = useState(0);
  const [isShown, setShown] = useState(false);
  useEffect(
    () =>
      onLoadFailure(() => {
        setTimes((count) => count + 1);
        setShown(true);
      }),
    [],
  );
  if (!isShown) return null;
  return (
    <div
      // A new element is announced again.
      key={times}
      role="alert"
      className="fixed inset-x-4 top-[calc(4rem+env(safe-area-inset-top))] z-80 mx-auto flex max-w-md flex-wrap items-center gap-2 rounded-md bg-surface py-1.5 ps-3.5 pe-1.5 text-sm shadow-float print:hidden"
    >
      <CircleAlert className="size-4 shrink-0 text-error" aria-hidden />
      <span className="min-w-0 flex-1">{UI_STRINGS.loadFailed}</span>
      <Button size="sm" onClick={() => window.location.reload()}>
        {UI_STRINGS.reload}
      </Button>
      <IconButton label={UI_STRINGS.dismiss} onClick={() => setShown(false)}>
        <X className="size-4" aria-hidden />
      </IconButton>
    </div>
  );
}
