'use client';

import clsx from 'clsx';
import { SquarePen } from 'lucide-react';
import { memo } from 'react';
import { HistoryList } from '#components/chat/history-list';
import { ImportExportMenu } from '#components/chat/import-export-menu';
import { Drawer } from '#components/ui/dialog';
import { HISTORY_STRINGS } from './strings/history.ts';

interface HistoryPanelProps {
  activeId: string | null;
  /** Whether it stands next to the chat. */
  isOpen: boolean;
  /** Between both panels the chat has no room in a narrow window. */
  hasNeighbour: boolean;
  /** Whether it lies over the chat, in a narrow window. */
  isDrawerOpen: boolean;
  onDrawerOpen: (isOpen: boolean) => void;
  onShow: (id: string | null) => void;
}

/** The chats of this browser, as a panel or as a drawer. */
export const HistoryPanel = memo(function HistoryPanel({
  activeId,
  isOpen,
  hasNeighbour,
  isDrawerOpen,
  onDrawerOpen,
  onShow,
}: HistoryPanelProps) {
  const content = (
    <>
      <HistoryHead onNew={() => onShow(null)} />
      <HistoryList activeId={activeId} onOpen={onShow} />
    </>
  );
  return (
    <>
      {isOpen ? (
        <aside
          aria-label={HISTORY_STRINGS.list}
          className={clsx('hidden w-66 shrink-0 flex-col border-r bg-sunken', hasNeighbour ? 'xl:flex' : 'lg:flex')}
        >
          {content}
        </aside>
      ) : null}
      <Drawer open={isDrawerOpen} onOpenChange={onDrawerOpen} title={HISTORY_STRINGS.list}>
        {content}
      </Drawer>
    </>
  );
});

function HistoryHead({ onNew }: { onNew: () => void }) {
  return (
    <div className="relative flex items-center gap-1 p-2">
      <button
        type="button"
        onClick={onNew}
        className="flex h-9 min-w-0 flex-1 items-center gap-2 rounded-md px-2 font-medium text-sm transition-colors hover:bg-hover pointer-coarse:h-10"
      >
        <SquarePen className="size-4 text-accent" strokeWidth={1.75} aria-hidden />
        {HISTORY_STRINGS.newChat}
      </button>
      <ImportExportMenu onDeleted={onNew} />
    </div>
  );
}
