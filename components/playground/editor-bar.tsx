'use client';

import { Search } from 'lucide-react';
import type { ReactNode } from 'react';
import { IconButton } from '#components/ui/icon-button';
import { LAYOUT_STRINGS as STRINGS } from './layout-strings.ts';

/** The row above the editor: the files, and what a keyboard does by a shortcut. */
export function EditorBar({ onFind, children }: { onFind: () => void; children: ReactNode }) {
  return (
    <div className="flex shrink-0">
      <div className="min-w-0 flex-1">{children}</div>
      <div className="flex items-center border-b bg-sunken pe-1">
        <IconButton
          label={STRINGS.findAndReplace}
          shortcut="Ctrl/Cmd+F"
          side="bottom"
          className="size-7 pointer-coarse:size-10"
          onClick={onFind}
        >
          <Search className="size-4" strokeWidth={1.75} aria-hidden />
        </IconButton>
      </div>
    </div>
  );
}
