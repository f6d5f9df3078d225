'use client';

import { WifiOff } from 'lucide-react';
import { useIsOffline } from '#lib/browser/connection';
import { COMPOSER_STRINGS } from './strings/composer.ts';

/** Shown while the server cannot be reached because the browser has no network. */
export function OfflineNote() {
  const isOffline = useIsOffline();
  return (
    <div role="status">
      {isOffline ? (
        <p className="mb-1.5 flex items-center gap-2 text-ink-2 text-xs">
          <WifiOff className="size-3.5 shrink-0" strokeWidth={1.75} aria-hidden />
          {COMPOSER_STRINGS.offline}
        </p>
      ) : null}
    </div>
  );
}
