'use client';

import { useSyncExternalStore } from 'react';
import { Button } from '#components/ui/button';
import { formatBytes } from '#lib/browser/format';
import { currentDownloads, onDownloads } from './downloads.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { models: STRINGS } = SERVER_ADMIN_STRINGS;

/** The downloads that are under way, each with a bar and a button that stops it. */
export function Downloads() {
  const downloads = useSyncExternalStore(onDownloads, currentDownloads, currentDownloads);
  if (downloads.length === 0) return null;
  return (
    <ul className="flex flex-col gap-3">
      {downloads.map(({ model, progress, stop }) => {
        const { status = '', completed = 0, total = 0 } = progress ?? {};
        const label = STRINGS.pulling(model);
        return (
          <li
            key={model}
            className="flex flex-wrap items-center gap-x-4 gap-y-2 rounded-lg border bg-surface p-4 text-sm"
          >
            <div className="min-w-[min(14rem,100%)] flex-1">
              <p className="font-medium [overflow-wrap:anywhere]">{label}</p>
              <progress
                aria-label={label}
                {...(total === 0 ? {} : { value: completed, max: total })}
                className="my-1.5 block h-1.5 w-full appearance-none overflow-hidden rounded-full bg-pressed [&::-moz-progress-bar]:bg-accent-fill [&::-webkit-progress-bar]:bg-pressed [&::-webkit-progress-value]:bg-accent-fill"
              />
              <p className="flex flex-wrap justify-between gap-x-3 text-ink-2 text-xs tabular">
                <span className="[overflow-wrap:anywhere]">{status}</span>
                {total === 0 ? null : <span>{STRINGS.pullProgress(formatBytes(completed), formatBytes(total))}</span>}
              </p>
            </div>
            <Button size="sm" onClick={stop}>
              {STRINGS.pullStop}
            </Button>
          </li>
        );
      })}
    </ul>
  );
}
