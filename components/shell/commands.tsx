'use client';

import { Command as CommandIcon } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Dialog } from '#components/ui/dialog';
import { IconButton } from '#components/ui/icon-button';
import { takesText } from '#lib/client/commands';

const Palette = lazy(() => import('#components/shell/palette'));
const Shortcuts = lazy(() => import('#components/shell/shortcuts'));

/** The shortcuts that work everywhere, and what they open. */
export function Commands() {
  const router = useRouter();
  const [palette, setPalette] = useState(false);
  const [sheet, setSheet] = useState(false);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const mod = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (mod && !event.shiftKey && key === 'k') setPalette((open) => !open);
      else if (mod && event.shiftKey && key === 'o') router.push('/');
      else if (event.key === '?' && !mod && !takesText(event.target)) setSheet(true);
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [router]);

  return (
    <>
      <IconButton
        label="Commands"
        shortcut="Ctrl/Cmd+K"
        side="right"
        className="max-md:hidden"
        onClick={() => setPalette(true)}
      >
        <CommandIcon className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
      </IconButton>
      <Dialog open={palette} onOpenChange={setPalette} title="Commands">
        <Suspense>
          <Palette
            onDone={() => setPalette(false)}
            onShortcuts={() => {
              setPalette(false);
              setSheet(true);
            }}
          />
        </Suspense>
      </Dialog>
      <Dialog open={sheet} onOpenChange={setSheet} title="Keyboard shortcuts">
        <Suspense>
          <Shortcuts />
        </Suspense>
      </Dialog>
    </>
  );
}
