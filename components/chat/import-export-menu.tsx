'use client';

import { Download, Ellipsis, Trash2, Upload } from 'lucide-react';
import { useRef, useState } from 'react';
import { Confirm } from '#components/ui/dialog';
import { IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { exportChats, importChats } from './conversation-files.ts';
import { deleteAllChats } from './delete-chat.ts';
import { HISTORY_STRINGS as S } from './strings/history.ts';
import { useChatSelector } from './use-chat.ts';

/** Exports, imports or deletes all conversations. */
export function ImportExportMenu({ onDeleted }: { onDeleted: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [isDeleting, setDeleting] = useState(false);
  const count = useChatSelector(({ conversations }) => conversations.length);
  return (
    <>
      <Menu
        trigger={
          <IconButton label={S.manage} side="bottom">
            <Ellipsis className="size-4" aria-hidden />
          </IconButton>
        }
        items={[
          {
            label: S.exportAll,
            icon: <Download className="size-4" aria-hidden />,
            onSelect: () => void exportChats(),
          },
          {
            label: S.import,
            icon: <Upload className="size-4" aria-hidden />,
            onSelect: () => field.current?.click(),
          },
          ...(count === 0
            ? []
            : [
                {
                  label: S.deleteAll,
                  icon: <Trash2 className="size-4" aria-hidden />,
                  danger: true,
                  onSelect: () => setDeleting(true),
                },
              ]),
        ]}
      />
      <input
        ref={field}
        type="file"
        accept="application/json,.json"
        aria-label={S.importField}
        className="hidden"
        onChange={(event) => {
          void importChats(event.target.files?.[0]);
          event.target.value = '';
        }}
      />
      <Confirm
        open={isDeleting}
        onOpenChange={setDeleting}
        title={S.deleteAllTitle}
        description={S.deleteAllDescription(count)}
        action={S.deleteAll}
        danger
        onConfirm={() => void deleteAllChats().then(onDeleted)}
      />
    </>
  );
}
