'use client';

import { ChevronLeft, ChevronRight } from 'lucide-react';
import { IconButton } from '#components/ui/icon-button';
import { chatStore } from './use-chat.ts';

/**
 * The position among a message's versions. Primitive props, so that a turn re-renders only when
 * its own change.
 */
export interface VersionPosition {
  number: number;
  count: number;
  previousId: string | undefined;
  nextId: string | undefined;
}

interface VersionSwitcherProps extends VersionPosition {
  conversationId: string;
}

export function VersionSwitcher({ conversationId, number, count, previousId, nextId }: VersionSwitcherProps) {
  if (count < 2) return null;
  const show = (id: string | undefined) => {
    if (id !== undefined) chatStore().showVersion(conversationId, id);
  };
  return (
    <span className="flex items-center text-ink-2 text-xs tabular">
      <IconButton
        label="Earlier version"
        disabled={previousId === undefined}
        onClick={() => show(previousId)}
        className="size-7"
      >
        <ChevronLeft className="size-4" aria-hidden />
      </IconButton>
      {number} / {count}
      <IconButton label="Later version" disabled={nextId === undefined} onClick={() => show(nextId)} className="size-7">
        <ChevronRight className="size-4" aria-hidden />
      </IconButton>
    </span>
  );
}
