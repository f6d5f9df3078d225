'use client';

import { ChevronLeft, ChevronRight } from 'lucide-react';
import { IconButton } from '#components/ui/icon-button';
import { TURN_STRINGS } from './strings/turns.ts';
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
        label={TURN_STRINGS.previousVersion}
        disabled={previousId === undefined}
        onClick={() => show(previousId)}
        className="size-7"
      >
        <ChevronLeft className="size-4" aria-hidden />
      </IconButton>
      {TURN_STRINGS.version(number, count)}
      <IconButton
        label={TURN_STRINGS.nextVersion}
        disabled={nextId === undefined}
        onClick={() => show(nextId)}
        className="size-7"
      >
        <ChevronRight className="size-4" aria-hidden />
      </IconButton>
    </span>
  );
}
